"""Style transfer in one pass: features are moved onto the style's statistics in closed form."""
