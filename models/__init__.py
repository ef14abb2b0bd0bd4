"""Generators, the style catalogue and the shipped weights. Imports neither realtime nor training."""
