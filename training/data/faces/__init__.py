"""Faces in photographs."""
