"""What a painting keeps of the photograph's light, outlines and colours, in the style picture's."""
