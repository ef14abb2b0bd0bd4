"""Measures generators side by side, and runs from source to sink. The command is `bench`."""
