"""What a training is told: the recipe, and the classic weights of the field."""
