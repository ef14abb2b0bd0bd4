"""The training loop: its state, its checkpoints, and what guards it."""
