"""Score files made up for tests: people with known groups, similarities with a known gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def score_file(
    folder: Path,
    *,
    people: int = 60,
    per_person: int = 2,
    impostors: int = 3000,
    gap: float = 4.0,
    wolf: float = 0.8,
    seed: int = 0,
    distance: bool = False,
) -> Path:
    """scores.csv (score, same, subject_a, subject_b, image_a, image_b) and people.csv (subject, gender).

    Scores are N(0, 1) for different people and N(gap, 1) for the same; two women score `wolf` higher. Every third
    person is a woman.
    """
    random = np.random.default_rng(seed)
    names = [f"p{i:03d}" for i in range(people)]
    female = np.arange(people) % 3 == 0
    lines = ["score,same,subject_a,subject_b,image_a,image_b"]
    sign = -1 if distance else 1

    def line(a: int, b: int, ia: int, ib: int) -> str:
        score = random.normal() + (gap if a == b else wolf * (female[a] and female[b]))
        return f"{sign * score:.6f},{int(a == b)},{names[a]},{names[b]},{names[a]}-{ia},{names[b]}-{ib}"

    for a in range(people):
        for other in range(1, per_person):
            lines.append(line(a, a, 0, other))
    drawn: set[frozenset[tuple[int, int]]] = set()
    while len(drawn) < impostors:
        a, b = random.integers(0, people, 2).tolist()
        ia, ib = random.integers(0, per_person, 2).tolist()
        pair = frozenset([(a, ia), (b, ib)])
        if a != b and pair not in drawn:
            drawn.add(pair)
            lines.append(line(a, b, ia, ib))
    (folder / "scores.csv").write_text("\n".join(lines) + "\n")
    rows = [f"{name},{'female' if f else 'male'}" for name, f in zip(names, female, strict=True)]
    (folder / "people.csv").write_text("\n".join(["subject,gender", *rows]) + "\n")
    return folder / "scores.csv"
