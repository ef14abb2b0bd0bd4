"""The losses, the networks that they are measured with, and their weighted sum."""
