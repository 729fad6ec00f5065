"""Who is in the data and in which groups, read from tables."""
