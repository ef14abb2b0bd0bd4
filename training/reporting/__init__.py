"""Progress of a training: previews, losses, plots."""
