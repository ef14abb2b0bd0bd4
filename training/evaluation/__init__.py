"""How good a style is: figures, defects and the quality report."""
