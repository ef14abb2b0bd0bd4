"""Notices what stands still in a run, and shows something honest meanwhile."""
