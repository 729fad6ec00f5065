"""docs/benchmarks.md, written from the JSON of the last runs, so that no number in it is typed.

A result's `tables` is a list of {"title", "note", "rows"}, each row a flat mapping of column to value.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench` from `benchmarks/results/*.json`; do not edit. Each table was measured in one run, side by side
with its peer, on the machine named above it. Machines differ and were shared: read ratios before absolute numbers.
"""


def write_tables() -> None:
    """Write the page from every result that has tables."""
    parts = [HEAD]
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        if "tables" in result:
            parts.append(section(path.stem, result))
    PAGE.write_text("\n".join(parts))


def section(name: str, result: dict[str, Any]) -> str:
    """One benchmark's part of the page."""
    c = result.get("conditions", {})
    said = (
        f"{c['processor']}, {c['cores']} cores, Python {c['python']}, {c['measured_at'][:10]}, "
        f"load average before {c['load_average_before']}"
        if c
        else ""
    )
    tables = "\n".join(table(each) for each in result["tables"])
    return f"## {name}\n\n{result.get('what', '')}\n\n{said}\n\n{tables}"


def table(given: dict[str, Any]) -> str:
    """One table in Markdown."""
    rows = given["rows"]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = (
        [f"### {given['title']}", "", given.get("note", ""), ""] if given.get("note") else [f"### {given['title']}", ""]
    )
    lines.append("| " + " | ".join(columns) + " |")
    lines.append("|" + "---|" * len(columns))
    lines += ["| " + " | ".join(shown(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    """A value as people read it: four significant digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
