"""A window in a process of its own: the sink, and what runs in the child."""
