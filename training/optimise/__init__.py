"""Painting by optimising the pixels of one picture."""
