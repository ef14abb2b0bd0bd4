"""The live half of stylecam: sources, the stylizer, sinks and what controls them."""
