"""Checks the machine: what works, what does not, and what to do. The command is `doctor`."""
