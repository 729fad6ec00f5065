"""Write made-up scores of a made-up face system (scores.csv, people.csv), so that there is something to audit."""

from __future__ import annotations

import csv
import random
from itertools import combinations
from pathlib import Path

PEOPLE = 120
PICTURES = 3


def main() -> None:
    """Three pictures of each of 120 people: all pairs within a person, one pair for each two people of a group."""
    draw = random.Random(7)
    group = {f"p{number:03}": "A" if number % 2 else "B" for number in range(PEOPLE)}
    pairs = [(person, person) for person in group for _ in combinations(range(PICTURES), 2)]
    rows = [(draw.gauss(0.70, 0.10), 1, *pair) for pair in pairs]
    for one, other in combinations(group, 2):
        if group[one] == group[other]:
            mean = 0.15 if group[one] == "A" else 0.22
            rows.append((draw.gauss(mean, 0.10), 0, one, other))

    with Path("scores.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["score", "same", "subject_a", "subject_b"])
        lines.writerows((f"{score:.4f}", same, one, other) for score, same, one, other in rows)
    with Path("people.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["subject", "group"])
        lines.writerows(group.items())


if __name__ == "__main__":
    main()
