"""Make a plan out of a draft (TOML).

A draft that declares no hypotheses gets every comparison that its data could ever decide. Only labels are looked at
for that, no score. Something can be said about a group where at least `small_cell` people stand behind its rate: people
with two pictures or more for misses, people to be mistaken for each other for false matches. With fewer than two such
groups nothing can be compared, and a hypothesis about it would only make every other one harder to show (Holm counts
it).
"""

from __future__ import annotations

import contextlib
import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from countenance.audit.analysis.disclosure import publishable
from countenance.audit.formats.codec import stamp, to_json
from countenance.audit.formats.plan import (
    SOURCES,
    BetweenSystems,
    DeclaredHypothesis,
    InputFile,
    Plan,
    SystemsPlan,
    Together,
    plan_of,
)
from countenance.audit.sources.source import Present, Source, source_of
from countenance.errors import BadRequest, NotFound
from countenance.signing import canonical


def _nobody(finding: str) -> None:
    """Findings are for the report only."""


def plan_of_draft(draft: Path, now: datetime, tell: Callable[[str], None] = _nobody) -> Plan:
    """Read a draft and complete it: default hypotheses, time, the hashes of label files, and whether scores exist.

    Default hypotheses that the data cannot decide are left out; the plan's limits say which, and why.
    Data that is there is looked over first: what is wrong with it is an error before the plan has a hash, and `tell` is
    told what must be known about it.

    BadRequest: a field or data that is wrong. In a table "" stands for None. Paths are relative to the draft's folder.
    Files that are there are hashed, so that a change after the plan is seen; if they hold scores, the plan says so,
    and nothing is preregistered.
    """
    plan, declared = read_draft(draft)
    return _completed(plan, declared, draft.parent, now, tell)


def systems_plan_of_draft(draft: Path, now: datetime, tell: Callable[[str], None] = _nobody) -> SystemsPlan | None:
    """As `plan_of_draft`, of a draft that has [[systems]] in place of [system] and one source; None where it has none.

    Every other field holds for all systems. Without [[between]] every measure is compared between systems: for
    everybody together, and by each way to tell groups apart.
    """
    table = _toml(draft)
    systems, between = table.pop("systems", None), table.pop("between", None)
    if systems is None:
        if between is not None:
            raise BadRequest("[[between]] asks about several systems: name them as [[systems]]")
        return None
    if not isinstance(systems, list) or not all(isinstance(one, dict) for one in systems):
        raise BadRequest("systems are tables: [[systems]], one for each")
    for name in ("system", "together", *SOURCES):
        if name in table:
            raise BadRequest(f"a draft with [[systems]] has no {name!r} of its own: each system has its source")
    names = [one.get("name") for one in systems]
    together = {"systems": names, "between": between or []}
    drafts = [{**table, "together": together, **_parted(one)} for one in systems]
    plans = [_plan_of_told(one) for one in drafts]
    if between is None:
        measures = dict.fromkeys(m for plan, _ in plans for m in source_of(plan, draft.parent).usual())
        usual = tuple(BetweenSystems(m, factor) for factor in ("", *plans[0][0].groups.analyses) for m in measures)
        plans = [
            (dataclasses.replace(plan, together=Together(tuple(names), usual)), declared) for plan, declared in plans
        ]
    try:
        return SystemsPlan(tuple(_completed(plan, declared, draft.parent, now, tell) for plan, declared in plans))
    except ValueError as error:
        raise BadRequest(f"{draft.name}: {error}") from error


def _parted(system: dict[str, object]) -> dict[str, object]:
    """A table of [[systems]] as the two fields of a plan: the system, and its source."""
    own = {name: value for name, value in system.items() if name not in SOURCES}
    return {"system": own, **{name: value for name, value in system.items() if name in SOURCES}}


def _completed(plan: Plan, declared: bool, folder: Path, now: datetime, tell: Callable[[str], None]) -> Plan:
    source = source_of(plan, folder)
    with contextlib.suppress(NotFound):  # data that is yet to come
        for finding in source.check():
            tell(finding)
    if not declared:
        plan = dataclasses.replace(plan, hypotheses=default_hypotheses(plan, folder), usual_hypotheses=True)
        kept, left_out = decidable(plan, folder)
        plan = dataclasses.replace(plan, hypotheses=kept, limits=(*plan.limits, *left_out))
    hashes = source.hashes()
    return dataclasses.replace(
        plan,
        created=stamp(now),
        inputs=tuple(InputFile(name, sha256) for name, sha256 in sorted(hashes.items())),
        data_seen=any(name in hashes for name in source.scores),
    )


def read_draft(draft: Path) -> tuple[Plan, bool]:
    """The plan in a draft as it stands, and whether it declares hypotheses. BadRequest: a field that is wrong."""
    table = _toml(draft)
    if "systems" in table:
        raise BadRequest(f"{draft.name} is a draft for several systems: `countenance audit plan` makes their plan")
    return _plan_of_told(table)


def _toml(draft: Path) -> dict[str, Any]:
    if not draft.is_file():
        raise NotFound(f"there is no draft {draft.name}")
    try:
        return tomllib.loads(draft.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"{draft.name} is no TOML: {error}") from error


def _plan_of_told(table: Mapping[str, Any]) -> tuple[Plan, bool]:
    for fixed in ("created", "inputs", "data_seen", "usual_hypotheses", "format"):
        if fixed in table:
            raise BadRequest(f"a draft does not say {fixed!r}: that is written when the plan is made")
    plan = plan_of({name: _with_nothing(value) for name, value in table.items()})
    of_class = next((h.measure for h in plan.hypotheses if h.measure in ("tpr", "fpr", "ppv")), None)
    if plan.outcomes is not None and plan.outcomes.positive is None and of_class is not None:
        raise BadRequest(f"a hypothesis about {of_class} is about one class: name it as positive under [outcomes]")
    return plan, "hypotheses" in table


def _with_nothing(value: object) -> object:
    """A table of a draft with None where it says "", since TOML has no word for it."""
    if not isinstance(value, dict):
        return value
    return {name: None if inner == "" else inner for name, inner in value.items()}


def default_hypotheses(plan: Plan, folder: Path | None = None) -> tuple[DeclaredHypothesis, ...]:
    """What is compared where a draft does not say: every group with all others, in every measure of the task.

    folder: what the plan's paths are relative to; None: the data is not looked at.
    """
    measures = source_of(plan, Path()).measures if folder is None else source_of(plan, folder).usual()
    return tuple(DeclaredHypothesis(m, name) for name in plan.groups.analyses for m in measures)


def plan_bytes(plan: Plan | SystemsPlan) -> bytes:
    """The plan as its file holds it: canonical JSON. The sha256 of these bytes is the plan's hash."""
    return canonical(to_json(plan))


_NAMES = {"fmr": "False matches", "fnmr": "Misses", "fte": "Failures to find a face"}


def decidable(plan: Plan, folder: Path) -> tuple[tuple[DeclaredHypothesis, ...], tuple[str, ...]]:
    """The plan's hypotheses that its data could decide, and for each of the others a sentence that says why not.

    folder: what the plan's paths are relative to. Data that is not there yet, or cannot be read, rules nothing out
    (the run says what is wrong with it); nor do tables of decisions and risks.
    """
    source = source_of(plan, folder)
    try:
        there = source.present()
    except (BadRequest, NotFound):
        there = None
    kept: list[DeclaredHypothesis] = []
    reasons: list[str] = []
    for hypothesis in plan.hypotheses:
        reason = "" if hypothesis.measure not in _NAMES else _reason(plan, hypothesis, source, there)
        if reason:
            reasons.append(f"{_NAMES[hypothesis.measure]} by {hypothesis.factor} are not compared: {reason}.")
        else:
            kept.append(hypothesis)
    return tuple(kept), tuple(reasons)


def _reason(plan: Plan, hypothesis: DeclaredHypothesis, source: Source[Any], there: Present | None) -> str:
    if hypothesis.measure == "fnmr" and not source.names_subjects:
        return "no subjects are named, so every picture counts as another person's"
    if there is None:
        return ""
    people = there.people.expecting(plan.groups.expected)
    grouping = publishable(people.grouping(hypothesis.factor), there.present, plan.small_cell).grouping
    behind = there.behind(hypothesis.measure, grouping)
    if hypothesis.measure == "fnmr" and not len(behind):
        return there.unmated
    group = grouping.codes[behind]
    enough = np.bincount(group[group >= 0], minlength=len(grouping.groups)) >= plan.small_cell
    if enough.sum() >= 2:
        return ""
    having = " with two pictures or more" if hypothesis.measure == "fnmr" else ""
    return f"fewer than two groups have {plan.small_cell} people{having}"
