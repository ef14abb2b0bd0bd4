"""The sound of a microphone on its way into recordings."""
