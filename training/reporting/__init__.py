"""What a training shows of itself: previews, losses, plots."""
