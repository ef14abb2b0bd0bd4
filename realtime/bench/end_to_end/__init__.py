"""Measures from source to sink, each run in a process of its own."""
