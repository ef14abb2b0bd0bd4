"""Generators, the style catalogue and the shipped weights. Imports neither of the halves."""
