"""Rates of one-to-one comparison: false matches, misses, curves, operating points."""
