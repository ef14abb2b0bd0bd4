"""What a painting minimises: features, distances, objectives, regions and tiles."""
