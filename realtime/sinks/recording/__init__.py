"""Recordings: video files with sound."""
