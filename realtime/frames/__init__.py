"""Frames: what travels through the program, and how a frame is brought to a size."""
