"""The settings of `run`: their types and defaults, and how a config file is read."""
