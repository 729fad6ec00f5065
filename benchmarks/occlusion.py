"""Occlusion: whether recognisability, or a line through template space, tells a covered face from others.

The coverings are drawn: dark glasses, a cloth over nose and mouth, something dark over half the face. Beside clean
faces stand uncovered ones in bad pictures (blurred, dark, small), for a measure that takes these for covered tells
quality, not occlusion. The line is fitted to half the people without the kind of covering that is tested, since nobody
draws what people will hold before their faces.
"""

from __future__ import annotations

import csv
import zlib
from collections import defaultdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from countenance.calibrate.degradations import Degradation, Place, degrade
from countenance.engine import Engine
from countenance.metrics.statistics.intervals import wilson
from countenance.progress import track
from countenance.scoring.normaliser import Crowding, load_normaliser
from countenance.settings import data_folder, load

PEOPLE = 140
COVERED = {
    "eyes (dark glasses)": Degradation("sunglasses", 1.0),
    "nose and mouth (cloth)": Degradation("mask", 0.0),
    "mouth (cloth)": Degradation("mask", 0.5),
    "half the face": Degradation("half", 0.5),
}
UNCOVERED = {
    "blurred": Degradation("blur", 0.055),
    "dark": Degradation("dark", 0.15),
    "small": Degradation("small", 11.0),
}
ALARMS, REPLICATES = 0.05, 500

Vectors = dict[str, dict[str, NDArray[np.float32]]]
"""Template by condition and person."""


def templates(engine: Engine) -> Vectors:
    """One picture a person of FairFace, as many of each perceived group, as it is and in every condition."""
    folder = data_folder(load()) / "fairface"
    with (folder / "labels.csv").open(newline="") as file:
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in csv.DictReader(file):
            groups[row["race"], row["gender"]].append(row["file"])
    of_each = PEOPLE // len(groups)
    chosen = [name for names in groups.values() for name in names[:of_each]]
    found: Vectors = defaultdict(dict)
    for name in track(chosen, "occlusion", len(chosen), "pictures"):
        pixels = np.asarray(cv2.imread(str(folder / "images" / name)), np.uint8)
        pixels = np.asarray(cv2.copyMakeBorder(pixels, 60, 60, 60, 60, cv2.BORDER_REPLICATE), np.uint8)
        seen = engine.look_at(pixels).faces
        if not seen:
            continue
        place = Place.of(seen[0], pixels.shape[1], pixels.shape[0])
        made = {"clean": pixels}
        for word, how in (COVERED | UNCOVERED).items():
            made[word] = degrade(pixels, place, how, np.random.default_rng(zlib.crc32(f"{name} {word}".encode())))
        for word, each in made.items():
            picture = engine.look_at(each)
            if picture.faces:
                found[word][name] = engine.embed(picture, picture.faces[:1])[0].vector
    return found


def separation(covered: dict[str, float], others: list[dict[str, float]]) -> str:
    """The area under the curve with its interval, people as units. The values: more means more covered."""
    people = sorted(set(covered).union(*others))
    rng = np.random.default_rng(0)

    def area(drawn: list[str]) -> float:
        yes = [covered[who] for who in drawn if who in covered]
        no = [other[who] for other in others for who in drawn if who in other]
        return float(roc_auc_score([1] * len(yes) + [0] * len(no), yes + no))

    draws = [area([people[i] for i in rng.integers(len(people), size=len(people))]) for _ in range(REPLICATES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{area(people):.3f} ({low:.3f} to {high:.3f})"


def row(measure: str, word: str, score: Any, bar: float, vectors: Vectors, people: set[str]) -> dict[str, Any]:
    """How one measure tells one covering. bar: from which a face would be called covered."""
    values = {
        condition: {who: float(score(vector[None])[0]) for who, vector in own.items() if who in people}
        for condition, own in vectors.items()
    }

    def share(conditions: list[str]) -> str:
        all_values = [value for condition in conditions for value in values[condition].values()]
        called = sum(value >= bar for value in all_values)
        bounds = wilson(called, len(all_values))
        return f"{100 * called / len(all_values):.0f} % ({100 * bounds.low:.0f} to {100 * bounds.high:.0f})"

    return {
        "measure": measure,
        "covered": word,
        "faces": len(values[word]),
        "AUC beside clean faces": separation(values[word], [values["clean"]]),
        "AUC beside bad pictures": separation(values[word], [values[each] for each in UNCOVERED]),
        "called covered": share([word]),
        "clean called covered": share(["clean"]),
        "bad pictures called covered": share(list(UNCOVERED)),
    }


def run() -> dict[str, Any]:
    """Measure; takes some minutes on two cores."""
    settings = load()
    engine = Engine.open(settings.models_cache, settings.detector, settings.model, threads=1)
    normaliser = load_normaliser(engine.model)
    assert isinstance(normaliser, Crowding)
    vectors = templates(engine)
    engine.close()
    people = sorted(vectors["clean"])
    fitted, tested = set(people[::2]), set(people[1::2])

    def unrecognisable(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        seen = normaliser.recognisability(rows)
        assert seen is not None
        return -seen

    clean = np.stack([vectors["clean"][who] for who in people if who in fitted])
    bar = float(np.quantile(unrecognisable(clean), 1 - ALARMS))
    rows = [row("recognisability", word, unrecognisable, bar, vectors, tested) for word in COVERED]
    for word, how in COVERED.items():
        kinds = [other for other, each in COVERED.items() if each.kind != how.kind]
        yes = [v for kind in kinds for who, v in vectors[kind].items() if who in fitted]
        no = [v for kind in ("clean", *UNCOVERED) for who, v in vectors[kind].items() if who in fitted]
        line = LogisticRegression(C=10, max_iter=2000).fit(np.stack(yes + no), [1] * len(yes) + [0] * len(no))
        bar = float(np.quantile(line.decision_function(clean), 1 - ALARMS))
        rows.append(row("a line fitted to other coverings", word, line.decision_function, bar, vectors, tested))
    return {
        "what": "Whether a covered face can be told: the ground on which `FaceOccluded` is left out "
        "([Rekognition](rekognition.md)).",
        "people": len(people),
        "tables": [
            {
                "title": "Covered faces told from others",
                "note": f"FairFace, {len(tested)} people who were not used for the line; drawn coverings. AUC: how "
                "often a covered face gets the greater value, 0.5 by chance, with 95 % intervals, people as units. "
                f"Called covered: from the value that {100 * ALARMS:.0f} % of the other people's clean faces reach; "
                "Wilson's intervals. Some of the pictures helped to fit recognisability, which flatters it.",
                "rows": rows,
            }
        ],
    }
