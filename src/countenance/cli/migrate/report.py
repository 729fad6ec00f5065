"""What became of every face, as files: a table for programs, a page for people."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from countenance.cli.migrate.enrolment import Outcome

TEMPLATES = "Templates do not come along: no service gives them out, and this server's model could not read them."


def write_report(folder: Path, outcomes: Sequence[Outcome], people: Mapping[str, Mapping[str, str]]) -> None:
    """faces.csv with every face, people.csv with people whose ids changed, and report.md with the counts.

    people: by gallery, the id here of each person of the source.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "faces.csv", [each.name for each in fields(Outcome)], map(astuple, outcomes))
    if any(people.values()):
        rows = [(gallery, *pair) for gallery, pairs in people.items() for pair in pairs.items()]
        write_csv(folder / "people.csv", ["gallery", "source_user", "user"], rows)
    lines = ["# What was moved", "", TEMPLATES, "", "| collection | enrolled | not enrolled |", "|---|---|---|"]
    for gallery in dict.fromkeys(each.gallery for each in outcomes):
        here = [each for each in outcomes if each.gallery == gallery]
        moved = sum(bool(each.face_id) for each in here)
        lines.append(f"| {gallery} | {moved} | {len(here) - moved} |")
    lines += ["", "| why | rows of faces.csv |", "|---|---|"]
    lines += [f"| {reason} | {count} |" for reason, count in reasons(outcomes).items()]
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def reasons(outcomes: Iterable[Outcome]) -> Counter[str]:
    """How many rows have each reason, the most frequent first."""
    counted = Counter(each.reason for each in outcomes if each.reason)
    return Counter(dict(counted.most_common()))


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file in UTF-8."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.writer(opened)
        table.writerow(columns)
        table.writerows(rows)
