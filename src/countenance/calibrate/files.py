"""The data files of a calibration: a cohort with its manifest, and calibrations with their origin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from countenance.calibrate.curve import ANCHORS, BOUND, Group, Impostors, worst_curve
from countenance.calibrate.duplicates import RATE
from countenance.calibrate.fit import Made
from countenance.calibrate.fit_crowding import RIDGE
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import Crowding

ATTRIBUTION = (
    "Made from FairFace (Kärkkäinen and Joo, FairFace: Face Attribute Dataset for Balanced Race, Gender, and Age, "
    "WACV 2021), CC BY 4.0: mean directions of templates of many pictures each; no picture and no template is in it."
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What every file says about its origin. date: ISO 8601. command: what was run, without its folders. notes: the
    maker's own.
    """

    model: str
    version: str
    date: str
    seed: int
    sources: tuple[str, ...]
    samples: tuple[tuple[str, int], ...]
    cut: float
    command: str
    notes: tuple[str, ...]


def write_cohort(folder: Path, made: Made, origin: Origin) -> Crowding:
    """Write the normaliser's arrays and manifest into `folder`; returns it with its identity."""
    folder.mkdir(parents=True, exist_ok=True)
    name = origin.version
    array = np.column_stack([made.normaliser.centres, made.normaliser.weights]).astype(np.float16)
    path = folder / f"{name}.cohort.npy"
    with path.open("wb") as file:
        np.save(file, array)
    manifest = {
        "format": 1,
        "model": origin.model,
        "model_version": origin.version,
        "method": "crowding: cosine less the log-sum-exp of cosines to weighted centres, of both sides",
        "array": path.name,
        "array_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "columns": "a centre's direction, then its weight (natural logarithm)",
        "sharpness": made.normaliser.sharpness,
        "strength": made.normaliser.strength,
        "level": made.normaliser.level,
        "centres": len(array),
        **_recognition(made),
        **_doubt(made),
        "fewest_people_per_centre": int(made.people.min()),
        "people_per_centre_median": float(np.median(made.people)),
        "largest_cosine_of_a_centre_to_a_picture_used": round(made.nearest, 4),
        "ridge": RIDGE,
        "loss": made.evened.loss,
        "steps": made.evened.steps,
        "licence": "CC-BY-4.0",
        "attribution": ATTRIBUTION,
        "also_fitted_to": "Labeled Faces in the Wild: the weights, not the centres",
        "made_by": origin.command,
        **_origin(origin),
    }
    target = folder / f"{name}.cohort.json"
    target.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Crowding.read(target)


def _recognition(made: Made) -> dict[str, object]:
    recognition = made.normaliser.recognition
    if recognition is None:
        return {}
    return {
        "recognition": {
            "degraded_centres": recognition.degraded,
            "intercept": recognition.intercept,
            "slope": recognition.slope,
            "meaning": "the last centres are of pictures degraded on purpose; a logistic of how much nearer a template "
            "is to them than to the others gives the share of such pictures that matches itself undegraded",
        }
    }


def _doubt(made: Made) -> dict[str, object]:
    doubt = made.normaliser.doubt
    if doubt is None:
        return {}
    return {
        "doubt": {
            "direction": [round(float(x), 6) for x in doubt.direction],
            "place": doubt.place,
            "meaning": "how far a template lies along the direction takes from its scores: fitted so that degraded "
            "pictures of strangers match no more often than others",
        }
    }


def write_calibration(
    folder: Path,
    normaliser: str,
    groups: Sequence[Group],
    held_out: tuple[Sequence[Impostors], Sequence[Impostors]],
    origin: Origin,
) -> Calibration:
    """Write the calibration of `groups` under the normaliser of that identity into `folder`, and read it back.

    held_out: groups and age bands of people who were not used, whose rates at each anchor are listed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    curve = worst_curve(groups)
    value = {
        "format": 1,
        "model": origin.model,
        "model_version": origin.version,
        "normaliser": normaliser,
        "promise": "FMR of the worst group of these: FairFace by race and gender, LFW women, LFW men",
        "method": {
            "counted": "where 30 or more pairs of a group score that high",
            "extrapolated": "beyond, by a generalised Pareto tail per group (peaks over threshold)",
            "curve": f"largest bound of all groups' rates at every score ({BOUND:.0%} sure, people as units; beyond "
            "the counts by the same factor as where they end), straight lines in log10 FMR",
        },
        **_origin(origin),
        "curve": {"score": curve.scores.tolist(), "log10_fmr": curve.log_rates.tolist()},
    }
    parsed = Calibration.parse(json.dumps(value).encode())
    value["anchors"] = [
        _anchor(similarity, fmr, parsed.score_at_fmr(fmr), groups, held_out) for similarity, fmr in ANCHORS
    ]
    name = f"{origin.version}.{'raw' if normaliser == 'raw' else 'even'}.calibration.json"
    target = folder / name
    target.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Calibration.parse(target.read_bytes())


def _origin(origin: Origin) -> dict[str, object]:
    return {
        "date": origin.date,
        "seed": origin.seed,
        "sources": list(origin.sources),
        "samples": dict(origin.samples),
        "same_person_rule": f"one picture of each person; cut {origin.cut:.3f}, which a share of {RATE:g} of pairs of "
        "one race and different genders exceeds",
        "notes": list(origin.notes),
    }


def _anchor(
    similarity: float,
    fmr: float,
    score: float,
    groups: Sequence[Group],
    held_out: tuple[Sequence[Impostors], Sequence[Impostors]],
) -> dict[str, object]:
    worst = max(groups, key=lambda g: g.fmr(score))
    interval = worst.interval(score)
    return {
        "similarity": similarity,
        "fmr": fmr,
        "score": round(score, 6),
        "worst_group": worst.impostors.name,
        "extrapolated": worst.extrapolated(score),
        "fmr_interval_95": [interval.low, interval.high],
        "groups": [_line(g.impostors.name, g.fmr(score), g.extrapolated(score)) for g in groups],
        "held_out_groups": [_counted(i, score) for i in held_out[0]],
        "held_out_ages": [_counted(i, score) for i in held_out[1]],
    }


def _line(name: str, fmr: float, extrapolated: bool) -> dict[str, object]:
    return {"group": name, "fmr": fmr, "extrapolated": extrapolated}


def _counted(impostors: Impostors, score: float) -> dict[str, object]:
    rate = impostors.counted(score).rate()
    return {
        "group": impostors.name,
        "false_matches": rate.errors,
        "pairs": rate.trials,
        "fmr_interval_95": [rate.interval.low, rate.interval.high],
    }


def stored(made: Made) -> Made:
    """`made` as its file stores it, in float16."""
    n = made.normaliser
    short = replace(
        n,
        centres=n.centres.astype(np.float16).astype(np.float32),
        weights=n.weights.astype(np.float16).astype(np.float32),
    )
    return replace(made, normaliser=short)
