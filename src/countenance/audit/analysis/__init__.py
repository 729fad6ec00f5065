"""From data to results: groups made large enough to publish, rates, verdicts, and what could not be told."""
