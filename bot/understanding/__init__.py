"""Understanding: from a cleaned message to calibrated probabilities over everything people ask."""
