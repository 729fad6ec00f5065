"""Equal error: score normalisations side by side, each fitted to one half of the people and tested on the other.

Both halves take turns, so that every person is tested on once, by a normaliser that never saw them. The peers are the
normalisations of the literature (`benchmarks.score_normalisations`), with cohorts of one and of several picture kinds.
Nothing is tuned on what is reported: the settings of ours were chosen on another draw of the halves. The frontier goes
from the plain score to what ships by taking a share of the correction, and beyond it by leaving out press pictures.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.equal_error_page import aims, write_figures
from benchmarks.equal_error_picture import draw, draw_frontier
from benchmarks.picture_quality import SharpnessGuess, by_quality
from benchmarks.score_normalisations import (
    AdaptiveSNorm,
    MeanOnly,
    TopScores,
    cluster_z,
    fair_score,
    faircal,
    learned_map,
)
from countenance.calibrate.centroids import cohort
from countenance.calibrate.evaluation import Evaluation, EvaluationPoint, evaluate
from countenance.calibrate.fit import People, make_normaliser, mated_pairs, no_degraded
from countenance.calibrate.labelled_pictures import Shot, shots
from countenance.calibrate.people import DEGRADED_PEOPLE, everybody
from countenance.engine import Engine
from countenance.faces import ModelId
from countenance.metrics import Extreme, Rate
from countenance.scoring.normaliser import Crowding, Normaliser, RawCosine
from countenance.settings import load

SEED = 11
FEWEST_DEGRADED = 120
"""People whose pictures are degraded, however few are drawn: half of them still make centres in every cell."""
MODEL = ModelId("0" * 64)
Rows = NDArray[np.float32]
Maker = Callable[["Half"], Normaliser]


def everyone(sample: int | None = None) -> People:
    """The labelled people of the data folder, one FairFace picture each, as the engine sees them; or `sample` people of
    each data set, drawn at random, always the same ones.
    """
    settings = load()
    data = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data"))
    engine = Engine.open(settings.models_cache, settings.detector, settings.model)
    wanted, degraded = shots(data), DEGRADED_PEOPLE
    if sample is not None:
        degraded = min(degraded, max(FEWEST_DEGRADED, degraded * sample // len(wanted["tight"])))
        wanted = {kind: _drawn(pictures, sample) for kind, pictures in wanted.items()}
    people = everybody(wanted, engine, settings.home / "calibrating", 2, degraded=degraded)[0]
    engine.close()
    return people


def _drawn(pictures: list[Shot], sample: int) -> list[Shot]:
    people = sorted({shot.person for shot in pictures}, key=lambda person: hashlib.sha256(person.encode()).digest())
    drawn = set(people[:sample])
    return [shot for shot in pictures if shot.person in drawn]


@dataclass(frozen=True, eq=False)
class Half:
    """The people that a method is fitted to, and what several methods need of them, made once."""

    people: People

    @property
    def tight(self) -> Rows:
        """FairFace templates as they are."""
        return self.people.tight.vectors

    @property
    def mixed(self) -> Rows:
        """Templates of all picture kinds together."""
        return np.vstack(self.kinds)

    @cached_property
    def centres(self) -> Rows:
        """Centroids of each picture kind."""
        return np.vstack([cohort(kind, len(kind) // 15, SEED)[0] for kind in self.kinds])

    @cached_property
    def evened(self) -> Crowding:
        """What `countenance calibrate` makes of these people."""
        return make_normaliser(self.people, MODEL, SEED).normaliser

    def evened_one_kind(self) -> Crowding:
        """The same, taught nothing of pictures like LFW's but its mated pairs."""
        none = self.people.widened[np.zeros(len(self.people.widened), bool)]
        return make_normaliser(
            replace(self.people, widened=none, degraded=no_degraded(), degraded_press=no_degraded()),
            MODEL,
            SEED,
            press_impostors=False,
        ).normaliser

    def learned(self) -> Normaliser:
        """The learned map of score, cohort statistics and quality."""
        p = self.people
        both = np.concatenate([p.tight.sharpness, p.press.sharpness])
        sharpness = SharpnessGuess.fitted(np.vstack([p.tight.vectors, p.press.vectors]), both)
        top, mated = TopScores(self.centres, 20), mated_pairs(p.press)
        return learned_map(p.tight.vectors, p.tight.group, p.press.vectors, mated, top, sharpness)

    @property
    def kinds(self) -> tuple[Rows, ...]:
        """Templates of each picture kind, one of each person."""
        press = self.people.press
        one_each = press.vectors[np.unique(press.person, return_index=True)[1]]
        return self.people.tight.vectors, self.people.widened.vectors, one_each


RAW, SHIPS = "raw cosine", "crowding, weighted centroids (ships)"
METHODS: Mapping[str, Maker] = {
    RAW: lambda half: RawCosine(),
    "Z/T-norm, whole mixed cohort (Linghu M1, M2)": lambda h: AdaptiveSNorm(TopScores(h.mixed, 0)),
    "cluster z-norm, 14 clusters (Linghu M1.2, M2.2, M3)": lambda h: cluster_z([h.tight], 14, SEED),
    "cluster z-norm, mixed cohort": lambda h: cluster_z(h.kinds, 14, SEED),
    "fair score normalisation, 100 clusters (Terhörst)": lambda h: fair_score([h.tight], 100, SEED),
    "fair score normalisation, mixed cohort": lambda h: fair_score(h.kinds, 100, SEED),
    "cluster-conditional calibration, 100 clusters (FairCal)": lambda h: faircal([h.tight], 100, SEED),
    "cluster-conditional calibration, mixed cohort": lambda h: faircal(h.kinds, 100, SEED),
    "AS-norm, FairFace cohort, k=100": lambda h: AdaptiveSNorm(TopScores(h.tight, 100)),
    "AS-norm, mixed cohort, k=100": lambda h: AdaptiveSNorm(TopScores(h.mixed, 100)),
    "mean-only, FairFace cohort, k=30": lambda h: MeanOnly(TopScores(h.tight, 30)),
    "mean-only, mixed cohort, k=30": lambda h: MeanOnly(TopScores(h.mixed, 30)),
    "mean-only, centroids of the mixed cohort, k=5": lambda h: MeanOnly(TopScores(h.centres, 5)),
    "learned map of score, cohort statistics and quality": Half.learned,
    "crowding, taught FairFace as it is only": Half.evened_one_kind,
    SHIPS: lambda h: h.evened,
}
"""Every method by its name."""
SHARES = (0.25, 0.5, 0.75, 1.0, 1.25)
"""Of the correction that ships: the trade-off between disparity and misses."""


def share_of(half: Half, share: float) -> Crowding:
    """The correction that ships, `share` of it."""
    normaliser = half.evened
    return replace(normaliser, strength=share * normaliser.strength, level=share * normaliser.level)


def run(sample: int | None = None) -> dict[str, Any]:
    """Fit and test every method; a row for each, the frontier, and the groups of raw cosine and of what ships. sample:
    people of each data set; the pictures of `docs/equal-error.md` and its figures are of all people only.
    """
    people = everyone(sample)
    halves = [Half(people.part(i, 2, SEED)) for i in (0, 1)]
    makers = dict(METHODS) | {_name(share): partial(share_of, share=share) for share in SHARES if share != 1.0}
    found: dict[str, Evaluation] = {}
    quality: dict[str, dict[str, Any]] = {}
    for number, (name, make) in enumerate(makers.items(), 1):
        began = time.monotonic()
        parts = [(halves[1 - i].people, make(halves[i])) for i in (0, 1)]
        found[name] = evaluate(parts)
        quality[name] = by_quality(parts, found[name].points[0].threshold)
        print(f"{number} of {len(makers)}, {time.monotonic() - began:.0f} s: {name}", row(found[name]), flush=True)
    result: dict[str, Any] = {
        "what": __doc__.split("\n\n")[0] if __doc__ else "",
        "tables": [
            {
                "title": "Score normalisations, tested on people that they were not made of",
                "note": "FMR ratio: largest over smallest of the 14 race-by-gender groups (or of the age bands with "
                "3,000 pairs or more) at the one threshold with that mean FMR over the 14; FNMR of LFW at that "
                "threshold, at most five pictures a person; then LFW's FNMR at LFW's own FMR.",
                "rows": [{"score": name, **row(found[name])} for name in METHODS],
            },
            {
                "title": "A share of the correction that ships",
                "note": "The same figures for a part of it, and for more than all of it.",
                "rows": [{"share": f"{share:.0%}", **row(found[_name(share)])} for share in (0.0, *SHARES)],
            },
            {
                "title": "By how sharp the pictures are, at the threshold of mean FMR 1e-3",
                "note": "Thirds of the measured sharpness. FMR: strangers of FairFace, both pictures in the third. "
                "FNMR: pairs of LFW by the less sharp picture.",
                "rows": [
                    {
                        "score": name,
                        **{f"FMR, {third}": rate.estimate for third, rate in quality[name]["fmr"].items()},
                        **{f"FNMR, {third}": percent(rate) for third, rate in quality[name]["fnmr"].items()},
                    }
                    for name in METHODS
                ],
            },
        ],
        "people": {"fairface": len(people.tight), "lfw": len(np.unique(people.press.person))},
        "before": groups(found[RAW].points[0]),
        "after": groups(found[SHIPS].points[0]),
        "frontier": {
            "methods": [frontier(name, found[name]) for name in METHODS],
            "ours": [frontier(f"{share:.0%}", found[_name(share)]) for share in (0.0, *SHARES)],
        },
    }
    result["aims"] = aims(result["frontier"]["methods"], RAW, SHIPS)
    if sample is None:
        draw(result)
        draw_frontier(result)
        write_figures(result)
    return result


def _name(share: float) -> str:
    return {0.0: RAW, 1.0: SHIPS}.get(share, f"{share:.0%} of the correction that ships")


def frontier(name: str, each: Evaluation) -> dict[str, Any]:
    """What is drawn and what the aims speak of, as numbers: rates 0..1 with the ends of their intervals."""
    first, second = each.points

    def ends(rate: Rate) -> dict[str, float]:
        return {"rate": rate.estimate, "low": rate.interval.low, "high": rate.interval.high}

    def ratio(extreme: Extreme) -> dict[str, float | None]:
        high = extreme.interval.high
        return {
            "ratio": extreme.ratio if np.isfinite(extreme.ratio) else None,
            "low": extreme.interval.low,
            "high": high if np.isfinite(high) else None,
        }

    press = dict(first.groups)
    return {
        "name": name,
        "ratio": ratio(first.ratio),
        "ratio_3e-4": ratio(second.ratio),
        "age_ratio": ratio(first.age_ratio),
        "fnmr": {who: ends(rate) for who, rate in first.fnmr},
        "press_fmr": {who: press[f"press {label}"].estimate for who, label in (("women", "female"), ("men", "male"))},
        "own": {f"{target:g}": {who: ends(rate) for who, rate in rates} for target, _, rates in each.press},
    }


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
        "men at 1e-4": percent(own[1e-4]["men"]),
    }


def percent(rate: Rate) -> str:
    """A rate and its interval, in per cent."""
    i = rate.interval
    return f"{100 * rate.estimate:.2f} % ({100 * i.low:.2f} to {100 * i.high:.2f})"


def groups(point: EvaluationPoint) -> dict[str, Any]:
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
