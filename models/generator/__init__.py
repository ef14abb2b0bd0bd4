"""Generators: their layers as plain data, their weights, and the torch module."""
