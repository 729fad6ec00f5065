"""Accuracy on LFW: the 10-fold protocol (View 2) and FNMR at fixed FMR over all cross pairs, plain and normalised.

Peer: plain cosine of the same templates. The shipped normaliser's weights saw half of the people of LFW (its manifest
says which seed drew them), so its line is for all people and not only those held out; `equal_error` holds people out.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.calibrate.labelled_pictures import Portraits, Shot, portraits, shots
from countenance.engine import Engine
from countenance.metrics import Rate, tally
from countenance.scoring.normaliser import Normaliser, RawCosine, load_normaliser
from countenance.settings import load

RATES = (1e-3, 1e-4, 1e-5)
Numbers = NDArray[np.float64]


def run() -> dict[str, Any]:
    settings = load()
    data = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data"))
    engine = Engine.open(settings.models_cache, settings.detector, settings.model)
    wanted = shots(data)["press"]
    press = portraits(wanted, engine, settings.home / "calibrating", 2)
    engine.close()
    rows = []
    for name, scorer in (("plain cosine", RawCosine()), ("normalised", load_normaliser(engine.model))):
        mean, deviation, missing = ten_fold(data / "lfw" / "lfw_pairs.csv", press, scorer, wanted)
        row: dict[str, Any] = {
            "score": name,
            "10-fold accuracy": f"{100 * mean:.2f} % ± {100 * deviation:.2f}",
            "pairs without a template": missing,
        }
        for fmr, rate in fnmr_at(press, scorer).items():
            i = rate.interval
            row[f"FNMR at FMR {fmr:g}"] = f"{100 * rate.estimate:.2f} % ({100 * i.low:.2f} to {100 * i.high:.2f})"
        rows.append(row)
        print(row, flush=True)
    note = f"{len(press)} of {len(wanted)} pictures gave a template; every pair of different people counts for FMR."
    return {
        "what": __doc__.split("\n\n")[0] if __doc__ else "",
        "tables": [{"title": "LFW, 95 % intervals with people as units", "note": note, "rows": rows}],
    }


def ten_fold(pairs: Path, press: Portraits, scorer: Normaliser, wanted: list[Shot]) -> tuple[float, float, int]:
    """Mean accuracy and its standard deviation over the ten folds, each at the best threshold of the other nine."""
    place = {name: row for row, name in enumerate(press_names(wanted, press))}
    probe, gallery = scorer.probe_side(press.vectors), scorer.gallery_side(press.vectors)
    with pairs.open(newline="", encoding="utf-8") as file:
        rows = [(int(r["fold"]), r["genuine"] == "1", r["a"], r["b"]) for r in csv.DictReader(file)]
    there = [(f, g, place[a], place[b]) for f, g, a, b in rows if a in place and b in place]
    fold, same, a, b = (np.array(column) for column in zip(*there, strict=True))
    score = np.einsum("ij,ij->i", probe[a], gallery[b])
    accuracy = []
    for each in np.unique(fold):
        rest = fold != each
        cuts = np.sort(score[rest])
        order = np.argsort(score[rest])
        mated = same[rest][order].astype(int)
        right = np.concatenate([[mated.sum()], mated.sum() - np.cumsum(mated) + np.cumsum(1 - mated)])
        best = int(np.argmax(right))
        cut = cuts[min(best, len(cuts) - 1)]
        accuracy.append(float(((score[~rest] >= cut) == same[~rest]).mean()))
    return float(np.mean(accuracy)), float(np.std(accuracy)), len(rows) - len(there)


def press_names(wanted: list[Shot], press: Portraits) -> list[str]:
    """identity/file of every row of `press`. Every picture of LFW has a face; where one did not, rows would shift."""
    if len(press) != len(wanted):
        raise RuntimeError(f"{len(wanted) - len(press)} pictures gave no template, so that rows have no names")
    return [f"{shot.person}/{shot.path.name}" for shot in wanted]


def fnmr_at(press: Portraits, scorer: Normaliser) -> dict[float, Rate]:
    """FNMR of all mated pairs where the FMR over all cross pairs has each of `RATES`."""
    probe, gallery = scorer.probe_side(press.vectors), scorer.gallery_side(press.vectors)
    person = np.unique(press.person, return_inverse=True)[1]
    edges = np.linspace(-2.0, 2.0, 400_001)
    counts = np.zeros(len(edges) - 1, np.int64)
    scores, who = [], []
    for start in range(0, len(press), 1000):
        block = probe[start : start + 1000] @ gallery.T
        later = np.arange(len(press))[None] > np.arange(start, start + len(block))[:, None]
        same = person[start : start + 1000, None] == person[None]
        counts += np.histogram(block[later & ~same], edges)[0]
        i, j = np.nonzero(later & same)
        scores.append(block[i, j])
        who.append(person[start + i])
    mated, whose = np.concatenate(scores), np.concatenate(who)
    above = counts[::-1].cumsum()[::-1]
    found = {}
    for fmr in RATES:
        threshold = edges[int(np.argmax(above <= fmr * counts.sum()))]
        found[fmr] = tally(whose, whose, mated < threshold).rate()
    return found
