"""The commands of this half, one a file. torch is imported inside them, not at start-up."""
