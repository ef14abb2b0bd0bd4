"""Generators as ONNX graphs: writing and reading them, and their lower precisions."""
