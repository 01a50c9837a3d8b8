"""Large images in overlapping blocks, with the numbers of the whole image."""
