"""Recognisability: how often strangers match in degraded pictures, and whom the quality filter refuses.

Everything is measured on people whom the shipped cohort and calibration were not fitted to. “Kinds left out” fits the
correction anew without some kinds of degradation and measures those: what can be hoped for of a degradation that nobody
thought of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.equal_error import MODEL, everyone
from countenance.calibrate.curve import Curve, Group, Impostors, worst_curve
from countenance.calibrate.degradations import GRID, HARDER
from countenance.calibrate.fit import Degraded, People, impostor_groups, make_normaliser, no_degraded
from countenance.metrics import Rate, tally
from countenance.operations.quality import QualityFilter, bars
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import Crowding, Normaliser, RawCosine, load_normaliser
from countenance.settings import load

SHIPPED_SEED = 1
FOLDS = (
    ("blur", "grey blur", "noise", "jpeg", "sunglasses", "grey sunglasses", "infrared", "cut off", "left cut off",
     "right cut off", "top cut off", "bottom cut off"),
    ("motion", "dark", "small", "old print", "mask", "half", "tight", "grey"),
)  # fmt: skip
"""Kinds of degradation that are left out together."""


def strangers(worse: Degraded, normaliser: Normaliser, cell: str, within: str) -> Impostors:
    """Scores of different people of one group (`within`: group or gender) in one cell of the grid."""
    own = worse[worse.cells == cell].portraits
    labels = getattr(own, within)
    parts = [own.vectors[labels == label] for label in np.unique(labels)]
    sides = [(normaliser.probe_side(v), normaliser.gallery_side(v)) for v in parts if len(v) > 1]
    return Impostors.of(cell, sides)


FEWEST = 60
"""Faces without which a cell says nothing here: most of its pictures show no face that is found."""


def enough(worse: Degraded, cell: str) -> bool:
    """Whether a cell has faces enough."""
    return int((worse.cells == cell).sum()) >= FEWEST


def run() -> dict[str, Any]:
    """Tables by degradation, with kinds left out, and of who is refused."""
    settings = load()
    people = everyone()
    fit, test = people.part(0, 2, SHIPPED_SEED), people.part(1, 2, SHIPPED_SEED)
    from countenance.engine.manifest import load_manifests

    model = load_manifests(settings.models_dir)[settings.model].model
    shipped = load_normaliser(model)
    assert isinstance(shipped, Crowding)
    calibration, plain = Calibration.load(model, shipped.identity), Calibration.load(model, RawCosine().identity)
    low = bars()[QualityFilter.AUTO]
    assert low is not None
    sharp_only = replace(fit, degraded=no_degraded(), degraded_press=no_degraded())
    before = make_normaliser(sharp_only, MODEL, SHIPPED_SEED).normaliser
    old = [float(s) for s in _scores(_curve(test, before))]
    rows = []
    for cell in (name for name in dict.fromkeys(how.name for how in GRID) if enough(test.degraded, name)):
        close, wide = (strangers(test.degraded, shipped, cell, within) for within in ("group", "gender"))
        worse = strangers(test.degraded, before, cell, "group")
        cosine = strangers(test.degraded, RawCosine(), cell, "group")
        seen = _seen(shipped, test.degraded[test.degraded.cells == cell])
        rows.append(
            {
                "degradation": cell,
                "faces": len(seen),
                "plain score, 80": _rate(cosine, plain.score(80.0)),
                "fitted to sharp pictures only, 80": _rate(worse, old[0]),
                "ships, 80": _rate(close, calibration.score(80.0)),
                "ships, 80, same gender": _rate(wide, calibration.score(80.0)),
                "ships, 90, same gender": _rate(wide, calibration.score(90.0)),
                "ships, 99, same gender": _rate(wide, calibration.score(99.0)),
                "median recognisability": round(float(np.median(seen)), 1),
                "refused under AUTO": _share(seen < low.recognisability),
            }
        )
    press = []
    hard = test.degraded_press
    for cell in (how.name for how in HARDER if enough(hard, how.name)):
        here = hard[hard.cells == cell]
        own = _seen(shipped, here)
        unchosen = strangers(here, shipped, cell, "gender")
        accepted = here[own >= low.recognisability]
        press.append(
            {
                "degradation": cell,
                "faces": len(own),
                "plain score, 80": _rate(strangers(hard, RawCosine(), cell, "gender"), plain.score(80.0)),
                "fitted to sharp pictures only, 80": _rate(strangers(hard, before, cell, "gender"), old[0]),
                "ships, 80": _rate(unchosen, calibration.score(80.0)),
                "ships, 90": _rate(unchosen, calibration.score(90.0)),
                "refused under AUTO": _share(own < low.recognisability),
                "ships, 80, not refused": _rate(strangers(accepted, shipped, cell, "gender"), calibration.score(80.0))
                if enough(accepted, cell)
                else "",
            }
        )
    left_out = []
    for kinds in FOLDS:
        names = {how.name for how in GRID if how.kind in kinds}
        others, press_others = (
            worse[np.array([c not in names for c in worse.cells.tolist()])]
            for worse in (fit.degraded, fit.degraded_press)
        )
        made = make_normaliser(replace(fit, degraded=others, degraded_press=press_others), MODEL, SHIPPED_SEED)
        at = float(_scores(_curve(test, made.normaliser))[0])
        left_out += [
            {
                "degradation": cell,
                "kinds left out": ", ".join(kinds),
                "80": _rate(strangers(test.degraded, made.normaliser, cell, "group"), at),
                "80, same gender": _rate(strangers(test.degraded, made.normaliser, cell, "gender"), at),
                "80, LFW, same gender": _rate(strangers(hard, made.normaliser, cell, "gender"), at)
                if enough(hard, cell)
                else "",
            }
            for cell in (how.name for how in GRID if how.kind in kinds and enough(test.degraded, how.name))
        ]
    return {
        "what": __doc__.split("\n\n")[0] if __doc__ else "",
        "threshold": low.recognisability,
        "tables": [
            {
                "title": "Strangers who match in degraded pictures",
                "note": "Share of pairs of strangers of one race and gender (or of one gender) that reach similarity "
                "80, 90 or 99, both pictures degraded alike, with 95 % intervals. Promised: 1e-3, 1e-4, 1e-5. "
                "Strengths: `countenance.calibrate.degradations`.",
                "rows": rows,
            },
            {
                "title": "Strangers who match in degraded press pictures",
                "note": "The same of LFW, as many women as men, the harder strengths: share of pairs of strangers of "
                "one gender; and of those faces alone that AUTO does not refuse by their templates.",
                "rows": press,
            },
            {
                "title": "The same where the kind of degradation was not fitted to",
                "note": "A correction fitted without the kinds named, at its own threshold of 80.",
                "rows": left_out,
            },
            {
                "title": "Whom the quality filter refuses",
                "note": "Share of undegraded pictures whose recognisability is below what AUTO asks, held-out people.",
                "rows": _refusals(test, shipped, low.recognisability),
            },
        ],
    }


def _refusals(test: People, shipped: Crowding, least: float) -> list[dict[str, Any]]:
    found = []
    for kind, portraits, labels in (
        ("FairFace", test.tight, test.tight.group),
        ("FairFace, by age", test.tight, test.tight.age),
        ("FairFace, widened", test.widened, test.widened.group),
        ("LFW", test.press, test.press.gender),
    ):
        seen = shipped.recognisability(portraits.vectors)
        assert seen is not None
        for label in np.unique(labels):
            own = seen[labels == label] < least
            found.append({"pictures": kind, "group": str(label), "faces": len(own), "refused": _share(own)})
    promised: Degraded = test.degraded
    seen = _seen(shipped, promised)
    for label in np.unique(promised.portraits.group):
        rows = promised.portraits.group == label
        people = np.unique(promised.portraits.person[rows], return_inverse=True)[1].astype(np.int64)
        rate = tally(people, people, seen[rows] < least).rate()
        found.append(
            {"pictures": "the whole grid", "group": str(label), "faces": int(rows.sum()), "refused": _of(rate)}
        )
    return found


def _seen(shipped: Crowding, worse: Degraded) -> NDArray[np.floating]:
    seen = shipped.recognisability(worse.portraits.vectors)
    assert seen is not None
    return seen


def _curve(test: People, normaliser: Normaliser) -> Curve:
    return worst_curve([Group.of(i, SHIPPED_SEED) for i in impostor_groups([(test, normaliser)])[0]])


def _scores(curve: Curve) -> Sequence[float]:
    return [float(x) for x in np.interp([3.0, 4.0, 5.0], -curve.log_rates, curve.scores)]


def _rate(impostors: Impostors, score: float) -> str:
    return _of(impostors.counted(score).rate())


def _of(rate: Rate) -> str:
    return (
        f"{rate.estimate:.2g} ({rate.interval.low:.1g} to {rate.interval.high:.1g}; {rate.errors} of {rate.trials:,})"
    )


def _share(refused: np.ndarray) -> str:
    codes = np.arange(len(refused), dtype=np.int64)
    return _of(tally(codes, codes, refused).rate())
