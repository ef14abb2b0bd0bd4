"""What `stylecam train` does between its options and a finished style."""
