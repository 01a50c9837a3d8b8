"""What a run costs, and what the machine could do: `python -m tools.benchmark`."""
