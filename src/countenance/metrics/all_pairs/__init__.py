"""Every pair of a set of templates, counted by group in blocks, without ever holding the matrix."""
