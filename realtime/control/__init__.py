"""How a person steers a running stylecam: keys, the terminal, the web page, the picture's text."""
