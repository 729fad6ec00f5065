"""Plans, and the drafts that they are made of."""
