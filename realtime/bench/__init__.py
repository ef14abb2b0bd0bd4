"""Measures generators side by side, and the whole way of a frame. The command is `bench`."""
