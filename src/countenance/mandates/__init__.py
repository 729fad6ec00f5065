"""mandates."""
