"""Rates of searches among many: open-set identification, expected false matches, tails, advice on thresholds."""
