"""Runs generators on frames."""
