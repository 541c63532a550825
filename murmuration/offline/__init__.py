"""Skills with which the deterministic offline model plays our agents."""
