"""From a plan and its data to results."""
