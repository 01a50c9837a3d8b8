"""Networks that make pictures: they answer at once what an optimisation searches for."""
