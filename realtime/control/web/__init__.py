"""The web page that shows and controls a run: server, access and the page itself."""
