"""The commands of this half, one per file. They import torch when called, not at start-up."""
