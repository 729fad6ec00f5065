"""From a person's draft (TOML) to a plan: complete, canonical, hashed, with the state of its files written down."""

from __future__ import annotations

import dataclasses
import tomllib
from datetime import datetime
from pathlib import Path

from countenance.audit.formats.codec import to_json
from countenance.audit.formats.moments import stamp
from countenance.audit.formats.plan import DeclaredHypothesis, InputFile, Plan, read_plan
from countenance.audit.planning.decidable import decidable
from countenance.audit.sources.of_plan import source_of
from countenance.audit.sources.source import hashes_of
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
    source = source_of(plan, draft.parent)
    hashes = hashes_of(source, draft.parent)
    return dataclasses.replace(
        plan,
        created=stamp(now),
        inputs=tuple(InputFile(name, sha256) for name, sha256 in sorted(hashes.items())),
        data_seen=any(name in hashes for name in source.scores),
    )


def _with_nothing(value: object) -> object:
    """A table of a draft with None where it says "", since TOML has no word for it."""
    if not isinstance(value, dict):
        return value
    return {name: None if inner == "" else inner for name, inner in value.items()}


def default_hypotheses(plan: Plan) -> tuple[DeclaredHypothesis, ...]:
    """What is compared where a draft does not say: every group with all others, in every measure of the task."""
    measures = source_of(plan, Path()).measures
    return tuple(DeclaredHypothesis(m, name) for name in plan.groups.analyses for m in measures)


def plan_bytes(plan: Plan) -> bytes:
    """The plan as it is kept: canonical JSON. Its sha256 is the plan's hash."""
    return canonical(to_json(plan))
