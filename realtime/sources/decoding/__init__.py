"""What files and streams hold, as RGB pictures with their times."""
