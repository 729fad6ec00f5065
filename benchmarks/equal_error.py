"""Equal error: score normalisations side by side, each fitted to one half of the people and tested on the other.

Both halves take turns, so that every person is tested on once, by a normaliser that never saw them. The peers are the
normalisations of the literature (`benchmarks.score_normalisations`), with cohorts of one and of several picture kinds.
Nothing is tuned on what is reported: the settings of ours were chosen on another draw of the halves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.equal_error_picture import draw
from benchmarks.score_normalisations import (
    AdaptiveSNorm,
    MeanOnly,
    TopScores,
    cluster_z,
    fair_score,
    faircal,
    learned_map,
)
from countenance.audit.calibrating.cohort import cohort
from countenance.audit.calibrating.evaluation import Evaluation, Point, evaluate
from countenance.audit.calibrating.fitting import People, make_normaliser, mated_pairs, without_repeats
from countenance.audit.calibrating.pictures import further_portraits, portraits, shots
from countenance.audit.metrics import Rate
from countenance.engine import Engine
from countenance.faces import ModelId
from countenance.gallery.normaliser import Normaliser, RawCosine
from countenance.settings import load

SEED = 11
MODEL = ModelId("0" * 64)
Maker = Callable[[People], Normaliser]


def everyone() -> People:
    """The labelled people of the data folder, one FairFace picture each, as the engine sees them."""
    settings = load()
    data = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data"))
    engine = Engine.open(settings.models_cache, settings.detector, settings.model)
    wanted, cache = shots(data), settings.home / "calibrating"
    tight, widened, press = (portraits(wanted[k], engine, cache, 2) for k in ("tight", "widened", "press"))
    further = data / "fairface" / "templates_sface_train.npz"
    if further.is_file() and settings.model == "sface":
        tight = tight.joined(further_portraits(further, engine.model, engine.version))
    engine.close()
    return without_repeats(tight, widened, press)[0]


def makers() -> Mapping[str, Maker]:
    """Every method by its name."""

    def one_each(people: People) -> np.ndarray[Any, np.dtype[np.float32]]:
        return people.press.vectors[np.unique(people.press.person, return_index=True)[1]]

    def tight(people: People) -> np.ndarray[Any, np.dtype[np.float32]]:
        return people.tight.vectors

    def mixed(people: People) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.vstack([people.tight.vectors, people.widened.vectors, one_each(people)])

    def centres(people: People) -> np.ndarray[Any, np.dtype[np.float32]]:
        parts = (people.tight.vectors, people.widened.vectors, one_each(people))
        return np.vstack([cohort(part, len(part) // 15, SEED)[0] for part in parts])

    def learned(people: People) -> Normaliser:
        top = TopScores(centres(people), 20)
        return learned_map(
            people.tight.vectors, people.tight.group, people.press.vectors, mated_pairs(people.press), top
        )

    def clean(people: People) -> Normaliser:
        return make_normaliser(people, MODEL, SEED).normaliser

    return {
        "raw cosine": lambda people: RawCosine(),
        "Z/T-norm, whole mixed cohort (Linghu M1, M2)": lambda p: AdaptiveSNorm(TopScores(mixed(p), 0)),
        "cluster z-norm, 14 clusters (Linghu M1.2, M2.2, M3)": lambda p: cluster_z(p.tight.vectors, 14, SEED),
        "fair score normalisation, 100 clusters (Terhörst)": lambda p: fair_score(p.tight.vectors, 100, SEED),
        "cluster-conditional calibration, 100 clusters (FairCal)": lambda p: faircal(p.tight.vectors, 100, SEED),
        "AS-norm, FairFace cohort, k=100": lambda p: AdaptiveSNorm(TopScores(tight(p), 100)),
        "AS-norm, mixed cohort, k=100": lambda p: AdaptiveSNorm(TopScores(mixed(p), 100)),
        "mean-only, FairFace cohort, k=30": lambda p: MeanOnly(TopScores(tight(p), 30)),
        "mean-only, mixed cohort, k=30": lambda p: MeanOnly(TopScores(mixed(p), 30)),
        "mean-only, centroids of the mixed cohort, k=5": lambda p: MeanOnly(TopScores(centres(p), 5)),
        "learned map of score and cohort statistics": learned,
        "crowding, weighted centroids (ships)": clean,
    }


def run() -> dict[str, Any]:
    """Fit and test every method; a row for each, and the groups of raw cosine and of what ships."""
    people = everyone()
    halves = [people.part(i, 2, SEED) for i in (0, 1)]
    found: dict[str, Evaluation] = {}
    for name, make in makers().items():
        found[name] = evaluate([(halves[1 - i], make(halves[i])) for i in (0, 1)])
        print(name, row(found[name]), flush=True)
    ships = list(makers())[-1]
    result: dict[str, Any] = {
        "what": __doc__.split("\n\n")[0] if __doc__ else "",
        "tables": [
            {
                "title": "Score normalisations, tested on people that they were not made of",
                "note": "FMR ratio: largest over smallest of the 14 race-by-gender groups (or of the age bands with "
                "3,000 pairs or more) at the one threshold with that mean FMR over the 14; FNMR of LFW at that "
                "threshold, at most five pictures a person; then LFW's FNMR at LFW's own FMR.",
                "rows": [{"score": name, **row(each)} for name, each in found.items()],
            }
        ],
        "people": {"fairface": len(people.tight), "lfw": len(np.unique(people.press.person))},
        "before": groups(found["raw cosine"].points[0]),
        "after": groups(found[ships].points[0]),
    }
    draw(result)
    return result


def row(each: Evaluation) -> dict[str, object]:
    """The figures of one method that the targets speak of."""
    first, second = each.points
    fnmr, own = dict(first.fnmr), {target: dict(rates) for target, _, rates in each.press}
    press = {name: rate for name, rate in first.groups if name.startswith("press ")}
    return {
        "FMR ratio at 1e-3": first.ratio.ratio,
        "its 95 % interval": f"{first.ratio.interval.low:.2f} to {first.ratio.interval.high:.2f}",
        "if all were equal": first.ratio.expected_if_equal,
        "FMR ratio at 3e-4": second.ratio.ratio,
        "its interval": f"{second.ratio.interval.low:.2f} to {second.ratio.interval.high:.2f}",
        "age ratio at 1e-3": first.age_ratio.ratio,
        "age interval": f"{first.age_ratio.interval.low:.2f} to {first.age_ratio.interval.high:.2f}",
        "LFW FNMR there": percent(fnmr["all"]),
        "women": percent(fnmr["women"]),
        "men": percent(fnmr["men"]),
        "LFW women's FMR there": press["press female"].estimate,
        "LFW men's FMR there": press["press male"].estimate,
        "LFW FNMR at own FMR 1e-3": percent(own[1e-3]["all"]),
        "LFW FNMR at own FMR 1e-4": percent(own[1e-4]["all"]),
        "women at 1e-4": percent(own[1e-4]["women"]),
    }


def percent(rate: Rate) -> str:
    """A rate and its interval, in per cent."""
    i = rate.interval
    return f"{100 * rate.estimate:.2f} % ({100 * i.low:.2f} to {100 * i.high:.2f})"


def groups(point: Point) -> dict[str, Any]:
    """Every group's and age band's FMR with its interval at one threshold."""

    def lines(rates: tuple[tuple[str, Rate], ...]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "rate": r.estimate,
                "errors": r.errors,
                "trials": r.trials,
                "low": r.interval.low,
                "high": r.interval.high,
            }
            for name, r in rates
        ]

    return {
        "target": point.target,
        "threshold": point.threshold,
        "fmr": lines(point.groups),
        "fmr_by_age": lines(point.ages),
        "fnmr": lines(point.fnmr),
    }
