"""Fitting calibrations and score normalisers to labelled pictures: what `countenance calibrate` does."""
