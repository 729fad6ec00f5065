"""From a person's draft (TOML) to a plan: complete, canonical, hashed, with the state of its files written down."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from countenance.audit.formats.codec import to_json
from countenance.audit.formats.moments import stamp
from countenance.audit.formats.plan import DeclaredHypothesis, InputFile, Measure, Plan, read_plan
from countenance.audit.planning.decidable import decidable
from countenance.errors import BadRequest, NotFound
from countenance.signing import canonical

FOLDER = Path(__file__).with_name("examples")


def example(kind: str) -> str:
    """A commented draft for one kind of source; NotFound lists the kinds."""
    path = FOLDER / f"{kind}.toml"
    if path.parent != FOLDER or not path.is_file():
        raise NotFound(f"no example {kind!r}; there are {', '.join(examples())}")
    return path.read_text()


def examples() -> tuple[str, ...]:
    """The kinds of example drafts."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def plan_of_draft(draft: Path, now: datetime) -> Plan:
    """Read a draft and complete it: default hypotheses, time, the hashes of label files, and whether scores exist.

    Of the default hypotheses those are left out that the data cannot decide; the plan's limits say which, and why.
    BadRequest: a field that is wrong. In a table "" stands for None. Paths are relative to the draft's folder. Files
    that are there are hashed, so that a change after the plan is seen; if they hold scores, the plan says so, and
    nothing is preregistered.
    """
    if not draft.is_file():
        raise NotFound(f"there is no draft {draft.name}")
    try:
        told = tomllib.loads(draft.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"{draft.name} is no TOML: {error}") from error
    for fixed in ("created", "inputs", "data_seen", "format"):
        if fixed in told:
            raise BadRequest(f"a draft does not say {fixed!r}: that is written when the plan is made")
    plan = read_plan({name: _with_nothing(value) for name, value in told.items()})
    if "hypotheses" not in told:
        plan = dataclasses.replace(plan, hypotheses=default_hypotheses(plan))
        kept, left_out = decidable(plan, draft.parent)
        plan = dataclasses.replace(plan, hypotheses=kept, limits=(*plan.limits, *left_out))
    labels, scores = files_of(plan)
    there = {name: path for name in (*labels, *scores) if (path := draft.parent / name).is_file()}
    return dataclasses.replace(
        plan,
        created=stamp(now),
        inputs=tuple(InputFile(name, sha256_of(path)) for name, path in sorted(there.items())),
        data_seen=any(name in there for name in scores),
    )


def _with_nothing(value: object) -> object:
    """A table of a draft with None where it says "", since TOML has no word for it."""
    if not isinstance(value, dict):
        return value
    return {name: None if inner == "" else inner for name, inner in value.items()}


def default_hypotheses(plan: Plan) -> tuple[DeclaredHypothesis, ...]:
    """What is compared where a draft does not say: every group with all others, in every measure of the task."""
    measures: Mapping[str, tuple[Measure, ...]] = {
        "verification": ("fmr", "fnmr", "fte") if plan.images or plan.api else ("fmr", "fnmr"),
        "classification": ("error",),
        "risk": ("fpr", "fnr"),
    }
    return tuple(DeclaredHypothesis(m, name) for name in plan.groups.analyses for m in measures[plan.task])


def files_of(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the plan's label files and of the files that hold scores."""
    labels: list[str | None] = []
    scores: list[str] = []
    if plan.scores is not None:
        labels, scores = [plan.scores.labels], [plan.scores.file]
    elif plan.templates is not None:
        labels, scores = [plan.templates.labels], [plan.templates.file]
    elif plan.images is not None:
        labels = [f"{plan.images.labels}"]
    elif plan.api is not None:
        labels = [plan.api.labels]
    elif plan.outcomes is not None:
        scores = [plan.outcomes.file]
    elif plan.risks is not None:
        scores = [plan.risks.file]
    return tuple(name for name in labels if name), tuple(scores)


def plan_bytes(plan: Plan) -> bytes:
    """The plan as it is kept: canonical JSON. Its sha256 is the plan's hash."""
    return canonical(to_json(plan))


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
