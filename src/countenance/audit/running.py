"""Carry out an audit: from its plan to results and a bundle, with a list of all deviations from the plan."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countenance.audit.bundle import bundle_files, environment, read_bundle, write_bundle
from countenance.audit.findings.conclusions import conclude
from countenance.audit.formats.codec import stamp, to_json
from countenance.audit.formats.plan import CROSS, JOINT, Plan, changed_plan, file_name, read_plan, read_systems_plan
from countenance.audit.formats.results import Data, Deviation, Results
from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.sources.live.cost import Estimate
from countenance.audit.sources.source import Equipment, Loaded, source_of
from countenance.errors import BadRequest
from countenance.signing import Signer

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _agreed_to_all(estimates: Mapping[str, Estimate]) -> None:
    """Calls are made without asking."""


def load(plan: Plan, folder: Path, equipment: Equipment | None = None) -> Loaded:
    """Read the data of `plan`. folder: what its paths are relative to. equipment: needed for images and services."""
    return source_of(plan, folder).load(equipment or Equipment())


def cassette_of(plan_file: Path) -> Path:
    """Where a live service's answers are kept unless another place is named: beside the plan."""
    return plan_file.with_suffix(".cassette.jsonl")


def run(
    plan_file: Path,
    bundle: Path,
    signer: Signer,
    *,
    changes: Mapping[str, object] | None = None,
    equipment: Equipment | None = None,
    clock: Clock = _now,
) -> Results:
    """Carry out the plan in `plan_file`, write a signed bundle, and return what was found.

    bundle: a folder that is empty or not there, or a file that ends in .zip. changes: other values for fields of the
    plan, see `changed_plan`; they are listed in the results and make them exploratory. equipment: an engine for images,
    a cassette and a key for a live service. Interrupted work on images or a live service goes on where it stopped: run
    it again. clock: the present, with a time zone.

    NotFound: a file that the plan names is not there. BadRequest: a plan or data that is wrong, or data that does not
    allow what the plan asks for.
    """
    declared = read_plan(plan_file)
    done = changed_plan(declared, changes or {})
    used = equipment or Equipment()
    if used.cassette is None:
        used = dataclasses.replace(used, cassette=cassette_of(plan_file))
    loaded = load(done, plan_file.resolve().parent, used)
    results = run_audit(declared, done, loaded, clock)
    seal(bundle, declared, results, loaded, signer, clock)
    return results


def run_systems(
    plan_file: Path,
    folder: Path,
    signer: Signer,
    *,
    changes: Mapping[str, object] | None = None,
    equipment: Equipment | None = None,
    agree: Callable[[Mapping[str, Estimate]], None] = _agreed_to_all,
    clock: Clock = _now,
) -> tuple[Path, ...]:
    """Carry out the plan for several systems in `plan_file`: one bundle for each, in `folder`, in their order.

    changes, clock: as `run` takes them. equipment: too; each live service has a cassette of its own beside the plan, or
    beside the one that is named. Systems whose bundle is there already are not asked again. agree: told, by system,
    what all live services are still to be asked and what it costs, before the first call; raises to stop.

    BadRequest, NotFound: as `run`; a plan for one system.
    """
    declared = read_systems_plan(plan_file)
    if declared is None:
        raise BadRequest(f"{plan_file.name} is a plan for one system")
    used = equipment or Equipment()
    tape = used.cassette or cassette_of(plan_file)
    bundles, open_ = [], list[tuple[Path, Plan, Plan, Equipment]]()
    for plan in declared.plans:
        name = file_name(plan.system.name)
        target = folder / f"{name}.zip"
        bundles.append(target)
        if target.exists():
            if read_bundle(target).plan.hash != plan.hash:
                raise BadRequest(f"{target.name} is there already, of another plan: name another folder")
            continue
        own = dataclasses.replace(used, cassette=tape.with_name(f"{tape.name.removesuffix('.jsonl')}.{name}.jsonl"))
        open_.append((target, plan, changed_plan(plan, changes or {}), own))
    estimates = {
        plan.system.name: estimate
        for _, plan, done, own in open_
        if (estimate := source_of(done, plan_file.resolve().parent).estimated(own)) is not None
    }
    if estimates:
        agree(estimates)
    for target, plan, done, own in open_:
        loaded = load(done, plan_file.resolve().parent, own)
        seal(target, plan, run_audit(plan, done, loaded, clock), loaded, signer, clock)
    return tuple(bundles)


def seal(target: Path, declared: Plan, results: Results, loaded: Loaded, signer: Signer, clock: Clock) -> None:
    """Write the signed bundle of an audit to `target`: a folder, or a file that ends in .zip."""
    write_bundle(target, bundle_files(declared, results, environment(loaded.models), stamp(clock()), signer))


def run_audit(declared: Plan, plan: Plan, loaded: Loaded, clock: Clock) -> Results:
    """Carry out `plan`; `declared` is the plan as it was made before (the same, unless something was changed).

    BadRequest: data that does not allow what the plan asks for. Whatever deviates is listed and makes verdicts
    exploratory.
    """
    started = clock()
    audit = loaded.data
    deviations = (
        *changes(declared, plan),
        *circumstances(declared, loaded.inputs),
        *surprises(plan, audit.data.people),
    )
    if loaded.system is not None:
        plan = dataclasses.replace(plan, system=loaded.system)
    planned = planned_analyses(plan, deviations)
    unexpected = {d.touches for d in deviations}
    analysed = audit.analyse(plan, planned)

    def as_planned(analysis: str, group: str) -> bool:
        labels = zip(analysis.split(CROSS), group.split(JOINT), strict=False)
        return planned[analysis] and not any(f"{factor}={label}" in unexpected for factor, label in labels)

    concluded = conclude(plan, analysed, as_planned)
    return Results(
        title=plan.title,
        question=plan.question,
        system=plan.system,
        task=plan.task,
        plan_hash=declared.hash,
        preregistered=not deviations,
        deviations=deviations,
        started=stamp(started),
        finished=stamp(clock()),
        data=_counted(audit.summary(loaded.inputs), *analysed.left_out),
        headline=concluded.head.headline,
        numbers=concluded.head.numbers,
        untold=concluded.untold,
        findings=(*audit.data.findings, *_few_left_out(plan, analysed.left_out[0])),
        judged=concluded.judged,
        faces=analysed.faces,
        outcomes=analysed.outcomes,
        risks=analysed.risks,
        labelled_by=plan.groups.labelled_by,
        population=plan.population,
        conditions=plan.conditions,
        limits=plan.limits,
        also=concluded.head.also,
        asked=loaded.asked,
        presentations=analysed.presentations,
    )


def _counted(data: Data, people: int, rows: int) -> Data:
    """How much data there is without people who count nowhere."""
    return dataclasses.replace(data, people=max(0, data.people - people), rows=data.rows - rows)


def _few_left_out(plan: Plan, people: int) -> tuple[str, ...]:
    if not people:
        return ()
    return (
        f"groups of fewer than {plan.small_cell} {plan.counted}, too few even together, count in no number of this "
        "audit, so that none of theirs can be computed from the others",
    )


GALLERY_ONLY = ("gallery", "small_cell")
HARMLESS = ("created", "inputs", "data_seen")


def changes(declared: Plan, done: Plan) -> tuple[Deviation, ...]:
    """What was changed in the plan after it was declared."""
    before, after = to_json(declared), to_json(done)
    return tuple(
        Deviation(name, _short(was), _short(now), "gallery" if name.split(".")[0] in GALLERY_ONLY else "everything")
        for name, was, now in _differences(before, after)
        if name.split(".")[0] not in HARMLESS
    )


def circumstances(plan: Plan, inputs: Mapping[str, str]) -> tuple[Deviation, ...]:
    """What speaks against preregistration: scores that were there before the plan, files that changed since."""
    lines = []
    if plan.data_seen:
        lines.append(Deviation("data_seen", "no score exists", "scores existed when the plan was made"))
    for planned in plan.inputs:
        now = inputs.get(planned.name)
        if now is not None and now != planned.sha256:
            lines.append(Deviation(f"inputs.{planned.name}", planned.sha256, now))
    return tuple(lines)


def surprises(plan: Plan, people: LabelledPeople) -> tuple[Deviation, ...]:
    """Groups in the data that the plan did not expect. Only declared factors are looked at."""
    lines = []
    for factor, expected in plan.groups.expected.items():
        for label in people.labels[people.factors.index(factor)]:
            if label not in expected:
                touched = f"{factor}={label}"
                lines.append(Deviation(f"groups.expected.{factor}", "not expected", f"{label!r} is there", touched))
    return tuple(lines)


def planned_analyses(plan: Plan, deviations: tuple[Deviation, ...]) -> dict[str, bool]:
    """For each analysis, whether it was carried out as planned."""
    everything = any(deviation.touches == "everything" for deviation in deviations)
    return dict.fromkeys(plan.groups.analyses, not everything)


def _differences(before: Any, after: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        inner = [_differences(before.get(n), after.get(n), f"{name}.{n}" if name else n) for n in names]
        return [difference for differences in inner for difference in differences]
    return [] if before == after else [(name, before, after)]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
