"""How `stylecam stylize` works through its files."""
