"""From data to a plan: drafts, what the data can decide, deviations from what was declared."""
