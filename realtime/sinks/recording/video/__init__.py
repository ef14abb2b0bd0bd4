"""The pictures of recordings: containers, encoders, colours."""
