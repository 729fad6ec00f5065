"""One row per person for each audit of each system, rebuilt from the published rates.

Published are rates and numbers of people, rounded. The errors of a cell are the whole number that comes nearest. Every
row is one person, with a number of its own in each file: nobody knows who was misclassified, so what one system did is
not paired with what another did.
"""

import csv
from pathlib import Path

HEADS = ("person", "skin", "gender", "truth", "predicted")


def errors(n: int, error_pct: float) -> int:
    """The whole number of errors that a published rate was rounded from."""
    return round(n * error_pct / 100)


with Path("published.csv").open(newline="") as file:
    cells = list(csv.DictReader(file))
for system, answered in dict.fromkeys((cell["system"], cell["answered"]) for cell in cells):
    rows = []
    for cell in cells:
        if (cell["system"], cell["answered"]) != (system, answered):
            continue
        n, wrong = int(cell["n"]), errors(int(cell["n"]), float(cell["error_pct"]))
        other = "male" if cell["gender"] == "female" else "female"
        rows += [(cell["skin"], cell["gender"], cell["gender"], other)] * wrong
        rows += [(cell["skin"], cell["gender"], cell["gender"], cell["gender"])] * (n - wrong)
    name = system.lower().replace("+", "plus")
    with Path(f"{name}-{answered}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADS, *((f"{name}-{answered}-{at}", *row) for at, row in enumerate(rows))])
