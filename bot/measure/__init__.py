"""How good it is: evaluation, noise, reports, checks of the data."""
