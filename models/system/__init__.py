"""The machine below both halves: processor, memory, files."""
