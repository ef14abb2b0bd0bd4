"""What a training learns from: photographs, crops and style pictures."""
