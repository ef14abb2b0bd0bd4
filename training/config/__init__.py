"""What a training is told: the recipe and the presets of its weights."""
