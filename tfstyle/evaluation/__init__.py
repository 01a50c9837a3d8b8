"""How near pictures are to a style, and many of them side by side."""
