"""The HTTP dialects, one folder each, independent of each other, and what all of them share."""
