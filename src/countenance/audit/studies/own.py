"""The project's own evidence for a model: what LFW and FairFace can show about it, and what they cannot."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from countenance.audit.formats.codec import stamp
from countenance.audit.formats.plan import (
    DeclaredHypothesis,
    Groups,
    ImageFolder,
    InputFile,
    Plan,
    System,
    ThresholdRule,
)
from countenance.audit.planning.plans import default_hypotheses
from countenance.audit.sources.images import load_images
from countenance.audit.sources.source import Loaded, OwnEngine, sha256_of
from countenance.errors import NotFound

LFW_LIMITS = (
    "LFW holds press pictures of public figures from before 2008: three quarters men, hardly anybody very old, no "
    "children, few people who are not white",
    "LFW's authors say that it must not be used to show that an algorithm is good enough for any use",
    "no rate by race or age: LFW has no such labels",
    "some pictures carry a wrong name, which counts as a miss or a false match here",
    "half of these people were fitted on when the shipped calibration was made: for the other half alone, see docs/"
    "calibration.md",
    "whether people of LFW were among those that the model was trained on is not known",
)
FAIRFACE_LIMITS = (
    "FairFace has one picture per person: nothing is known about misses (FNMR) by race, age band, or here at all",
    "race, gender and age band are what annotators saw in a picture; the categories are FairFace's",
    "impostors only: pictures from the web of different people, in daily life; a few people are in FairFace twice, and "
    "their pairs count as false matches here",
    "half of these people were fitted on when the shipped calibration was made: for the other half alone, see docs/"
    "calibration.md",
    "whether people of FairFace were among those that the model was trained on is not known",
)


@dataclass(frozen=True, slots=True)
class OperatingMode:
    """How the model is used: one way to compare, one threshold."""

    model_name: str
    model_version: str
    normaliser: str
    calibration: str
    threshold_fmr: float
    threshold_score: float


@dataclass(frozen=True, slots=True)
class Study:
    """One data set as an audit: its label table (columns), and which files to leave out and why."""

    name: str
    rows: Callable[[Path], Iterable[Mapping[str, str]]]
    columns: tuple[str, ...]
    subject: str | None
    folder: str


def _lfw_rows(data: Path) -> Iterable[Mapping[str, str]]:
    for row in _table(data / "lfw" / "lfw_images.csv"):
        yield {"file": row["file"], "subject": row["identity"], "gender": row["image_gender"]}


def _fairface_rows(data: Path) -> Iterable[Mapping[str, str]]:
    for row in _table(data / "fairface" / "labels.csv"):
        yield {"file": row["file"], "race": row["race"], "gender": row["gender"].lower(), "age": row["age"]}


LFW = Study("lfw", _lfw_rows, ("file", "subject", "gender"), "subject", "lfw/images")
FAIRFACE = Study("fairface", _fairface_rows, ("file", "race", "gender", "age"), None, "fairface/images")


def lfw_plan(operation: OperatingMode, now: datetime, left_out: str = "") -> Plan:
    """The plan for LFW: all pairs, by perceived gender, misses included."""
    return _plan(
        operation, now, LFW, "LFW, all pairs, by perceived gender", Groups(("gender",), "perceived, made by others"),
        "public figures in press pictures, 2002 to 2007", LFW_LIMITS, left_out,
    )  # fmt: skip


def fairface_plan(operation: OperatingMode, now: datetime, left_out: str = "") -> Plan:
    """The plan for FairFace: failure to find a face and impostors, by race, gender and age band."""
    groups = Groups(("race", "gender", "age"), "perceived by annotators of FairFace", (("race", "gender"),))
    return _plan(
        operation, now, FAIRFACE, "FairFace, all pairs, by perceived race, gender and age band", groups,
        "people in pictures from the web under free licences, balanced by race", FAIRFACE_LIMITS, left_out,
    )  # fmt: skip


def _plan(
    operation: OperatingMode,
    now: datetime,
    study: Study,
    title: str,
    groups: Groups,
    population: str,
    limits: tuple[str, ...],
    left_out: str,
) -> Plan:
    plan = Plan(
        title=f"{operation.model_name}: {title}",
        question="At the one threshold in use, who is falsely matched, who is missed, for whom is no face found?",
        system=System(operation.model_name, operation.model_version, "Countenance, default pipeline"),
        groups=groups,
        images=ImageFolder(study.folder, f"{study.name}.csv", subject=study.subject, choose="centre"),
        threshold=ThresholdRule("fixed", operation.threshold_score),
        population=population,
        conditions=(
            f"scores under normaliser {operation.normaliser[:16]}, threshold where the calibration "
            f"{operation.calibration[:16]} promises FMR {operation.threshold_fmr:g} for the group served worst"
        ),
        limits=(*limits, *([left_out] if left_out else [])),
        created=stamp(now),
        data_seen=True,  # these sets were looked at often before, also to make the calibration
    )
    measures = default_hypotheses(plan)
    chosen = measures if study.subject else _without_misses(measures)
    return dataclasses.replace(plan, hypotheses=chosen, usual_hypotheses=True)


def _without_misses(hypotheses: tuple[DeclaredHypothesis, ...]) -> tuple[DeclaredHypothesis, ...]:
    return tuple(h for h in hypotheses if h.measure != "fnmr")


def load_study(plan: Plan, study: Study, data: Path, work: Path, own: OwnEngine, keep: Callable[[str], bool]) -> Loaded:
    """Run a data set through the engine. data: the folder of data sets. work: where the label table is written.

    keep: whether an image, by its file name in the data set, belongs to this audit. NotFound: the data is not there.
    """
    assert plan.images is not None
    work.mkdir(parents=True, exist_ok=True)
    labels = work / plan.images.labels
    rows = [row for row in study.rows(data) if keep(row["file"])]
    with labels.open("w", newline="") as file:
        writer = csv.DictWriter(file, study.columns)
        writer.writeheader()
        writer.writerows(rows)
    source = dataclasses.replace(plan.images, folder=str((data / study.folder).resolve()), labels=str(labels.resolve()))
    return load_images(source, work, plan, own, {plan.images.labels: sha256_of(labels)})


def with_inputs(plan: Plan, loaded: Loaded) -> Plan:
    """The plan with the hash of its label table, as if it had been made of a draft."""
    assert plan.images is not None
    name = plan.images.labels
    return dataclasses.replace(plan, inputs=(InputFile(name, loaded.inputs[name]),))


def _table(path: Path) -> Iterable[dict[str, str]]:
    if not path.is_file():
        raise NotFound(f"there is no {path.parent.name}/{path.name} in the data folder")
    with path.open(newline="") as file:
        yield from csv.DictReader(file)
