"""Formats of picture files: decoding, 16 bits a channel, colour profiles."""
