"""The commands of this half, one file each: their options and help, no logic of their own."""
