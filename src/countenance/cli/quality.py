"""How good a face has to be, as an option."""

from __future__ import annotations

QUALITY_FILTERS = ("NONE", "AUTO", "LOW", "MEDIUM", "HIGH")
"""The values of `QualityFilter`, which is imported with all operations: `--help` does not wait for that."""
