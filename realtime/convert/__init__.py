"""Writes styles as model files: copies, half precision, int8."""
