"""Intervals, clustered variances, ratios, spreads and verdicts: statistics that know nothing of faces."""
