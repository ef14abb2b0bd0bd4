"""How a user controls a running stylecam: keys, terminal, web page, and text on the picture."""
