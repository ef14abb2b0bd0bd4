"""One run: frames from the source, through the stylizer, to the sinks."""
