"""The published JSON Schemas of plans, results and evidence: made from the records, shipped beside them."""

from __future__ import annotations

from pathlib import Path

from countenance.audit.formats.codec import Json, json_schema
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Environment, Results

FOLDER = Path(__file__).parent
SCHEMAS: tuple[tuple[str, type[object], str], ...] = (
    ("plan.schema.json", Plan, "Countenance audit plan 1"),
    ("results.schema.json", Results, "Countenance audit results 1"),
    ("environment.schema.json", Environment, "Countenance audit environment 1"),
)
"""Schemas that travel in every bundle: name, record, title."""


def made(kind: type[object], title: str) -> Json:
    """The schema of a record, as it should be shipped."""
    return json_schema(kind, title)
