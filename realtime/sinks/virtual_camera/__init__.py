"""A camera for call programs: the sink, the devices, and the process that keeps one."""
