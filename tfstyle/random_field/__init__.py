"""FRAME: filters, a random field of grey levels, and maximum entropy."""
