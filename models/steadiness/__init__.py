"""What keeps a painting steady while the picture before the camera is, or moves."""
