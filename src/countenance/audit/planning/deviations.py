"""Where an audit leaves its plan, and what that makes exploratory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from countenance.audit.formats.codec import to_json
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Deviation
from countenance.audit.sources.people import LabelledPeople

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
    found = []
    if plan.data_seen:
        found.append(Deviation("data_seen", "no score exists", "scores existed when the plan was made"))
    for planned in plan.inputs:
        now = inputs.get(planned.name)
        if now is not None and now != planned.sha256:
            found.append(Deviation(f"inputs.{planned.name}", planned.sha256, now))
    return tuple(found)


def surprises(plan: Plan, people: LabelledPeople) -> tuple[Deviation, ...]:
    """Groups in the data that the plan did not expect. Only declared factors are looked at."""
    found = []
    for factor, expected in plan.groups.expected.items():
        for label in people.labels[people.factors.index(factor)]:
            if label not in expected:
                touched = f"{factor}={label}"
                found.append(Deviation(f"groups.expected.{factor}", "not expected", f"{label!r} is there", touched))
    return tuple(found)


def planned_analyses(plan: Plan, deviations: tuple[Deviation, ...]) -> dict[str, bool]:
    """By analysis, whether it is as planned."""
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
