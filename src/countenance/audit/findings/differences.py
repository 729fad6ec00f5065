"""Before and after: the same audit of two versions, cell by cell (Raji and Buolamwini 2019, "Actionable Auditing").

Where both audits are about the same people, their block counts are paired: with block rates m_b of the old and the new
version, the change in ln(rate) has the jackknife-like linearised terms d_b = f (m_new_b / p_new - m_old_b / p_old),
f = 2 for false matches (each in both of its people), 1 for misses, and variance Var_b(d_b)/B with Student's quantile,
B-1 degrees of freedom. Blocks are whole people, so this is clustered; the shared people make it paired. Everybody
together has blocks too, cut without regard to groups. Where people or blocks differ, the two rates count as
independent, and a note says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from countenance.audit.analysis.disclosure import bounds, finite, rate_of
from countenance.audit.bundle import Bundle, rows
from countenance.audit.formats.plan import System
from countenance.audit.formats.results import Block, FaceResults, GroupResult, Results
from countenance.audit.formats.shares import Bounds, Share
from countenance.errors import BadRequest
from countenance.metrics import holm, ratio

Verdict = Literal["better", "worse", "no change shown", "not comparable"]
HIGHER_IS_BETTER = ("ppv", "tpr", "npv")
_DERIVED = ("observed at", "fmr, ", "fnmr at ")
"""Cells that say again, otherwise, what others say: they would only make the family larger."""
_Blocks = GroupResult | FaceResults
"""What has blocks of people: a group, or everybody."""


@dataclass(frozen=True, slots=True)
class Change:
    """One cell before and after. ratio: new over old rate."""

    analysis: str
    measure: str
    group: str
    before: Share
    after: Share
    ratio: float | None
    bounds: Bounds
    p: float | None
    p_corrected: float | None
    paired: bool
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True)
class AuditDifference:
    """Two audits compared. same_plan: whether both carried out the same plan."""

    old_system: System
    new_system: System
    old_bundle: str
    new_bundle: str
    same_plan: bool
    same_threshold_rule: bool
    changes: tuple[Change, ...]
    notes: Annotated[tuple[str, ...], "what speaks against reading the changes as the system's"]


def compare_bundles(old: Bundle, new: Bundle, alpha: float = 0.05) -> AuditDifference:
    """Compare two bundles cell by cell; p-values are Holm-corrected over all cells that could be tested.

    BadRequest: bundles with problems, or of different tasks.
    """
    for bundle in (old, new):
        if bundle.problems:
            raise BadRequest(f"a bundle is not what was signed: {bundle.problems[0]}")
    if old.results.task != new.results.task:
        raise BadRequest(f"a {old.results.task} audit and a {new.results.task} audit cannot be compared")
    before = {(a, m, g): s for a, m, g, other, s in rows(old.results) if not other}
    after = {(a, m, g): s for a, m, g, other, s in rows(new.results) if not other}
    groups_old, groups_new = _groups(old.results), _groups(new.results)
    raw: list[Change] = []
    for cell in [*before, *(cell for cell in after if cell not in before)]:
        if cell[1] == "fmr_any" or cell[1].startswith(_DERIVED) or cell[0] == "search":
            continue
        pair = groups_old.get(cell[::2]), groups_new.get(cell[::2])
        raw.append(_change(cell, before.get(cell), after.get(cell), pair, 1 - alpha))
    tested = [change for change in raw if change.p is not None]
    corrected = (
        dict(zip(map(id, tested), holm([c.p for c in tested if c.p is not None]), strict=True)) if tested else {}
    )
    return AuditDifference(
        old.results.system,
        new.results.system,
        old.hash,
        new.hash,
        old.plan.hash == new.plan.hash,
        _rule(old.results) == _rule(new.results),
        tuple(_judged(change, corrected.get(id(change)), alpha) for change in raw),
        (*_notes(old, new), *_disagreements(old.results, new.results)),
    )


def _change(
    cell: tuple[str, str, str],
    before: Share | None,
    after: Share | None,
    blocks: tuple[_Blocks | None, _Blocks | None],
    level: float,
) -> Change:
    nothing = Share(None, None, None, None, None, None, level, None, None, "none", "not in this audit")
    old, new = before or nothing, after or nothing
    if not old.known or not new.known:
        unknown = Bounds(None, None, level)
        why = old.reason or new.reason
        return Change(*cell, old, new, None, unknown, None, None, False, "not comparable", why)
    one, other = blocks
    paired = _paired(cell[1], one, other) if one is not None and other is not None else None
    if paired is not None and old.errors and new.errors:
        estimate, interval, p = _paired_ratio(*paired, level)
        return Change(
            *cell, old, new, estimate, interval, p, None, True, "no change shown", "paired by blocks of people"
        )
    found = ratio(rate_of(new), rate_of(old))
    p_value = found.p_value() if old.errors or new.errors else 1.0
    note = "taken as independent: not the same people, or too few blocks or errors for a paired test"
    return Change(
        *cell, old, new, finite(found.estimate), bounds(found.at(level)), p_value, None, False, "no change shown", note
    )


def _paired(measure: str, old: _Blocks, new: _Blocks) -> tuple[NDArray[np.float64], NDArray[np.float64], float] | None:
    """Block counts (blocks, 2) of errors and trials, old and new, and the factor f; None where they do not pair."""
    if not old.people_digest or old.people_digest != new.people_digest or len(old.blocks) != len(new.blocks):
        return None
    if not old.blocks or measure not in ("fmr", "fnmr"):
        return None
    tables = [_table(measure, group.blocks) for group in (old, new)]
    if any((table[:, 1] == 0).any() for table in tables):
        return None
    return tables[0], tables[1], 2.0 if measure == "fmr" else 1.0


def _table(measure: str, blocks: Sequence[Block]) -> NDArray[np.float64]:
    if measure == "fmr":
        return np.array([[block.fmr_errors, block.fmr_trials] for block in blocks], np.float64)
    return np.array([[block.fnmr_errors, block.fnmr_trials] for block in blocks], np.float64)


def _paired_ratio(
    old: NDArray[np.float64], new: NDArray[np.float64], factor: float, level: float
) -> tuple[float, Bounds, float]:
    """Ratio of rates new/old with its interval and two-sided p, paired by block."""
    count = len(old)

    def terms(table: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        errors, trials = table.sum(axis=0)
        rate = errors / trials
        residual = (table[:, 0] - rate * table[:, 1]) * count / trials
        return float(rate), residual / rate

    rate_old, terms_old = terms(old)
    rate_new, terms_new = terms(new)
    spread = float(np.std(factor * (terms_new - terms_old), ddof=1)) / math.sqrt(count)
    log_ratio = math.log(rate_new / rate_old)
    if spread == 0:
        return rate_new / rate_old, Bounds(rate_new / rate_old, rate_new / rate_old, level), float(log_ratio == 0)
    quantile = float(special.stdtrit(count - 1, 0.5 + level / 2))
    p = 2 * float(special.stdtr(count - 1, -abs(log_ratio) / spread))
    low, high = math.exp(log_ratio - quantile * spread), math.exp(log_ratio + quantile * spread)
    return rate_new / rate_old, Bounds(low, high, level), p


def _judged(change: Change, corrected: float | None, alpha: float) -> Change:
    verdict: Verdict = change.verdict
    if corrected is not None and corrected <= alpha:
        rises = change.ratio is None or change.ratio > 1
        good = change.measure.split(" ")[0] in HIGHER_IS_BETTER
        verdict = "better" if rises == good else "worse"
    return Change(
        change.analysis, change.measure, change.group, change.before, change.after, change.ratio, change.bounds,
        change.p, None if corrected is None else float(corrected), change.paired, verdict, change.note,
    )  # fmt: skip


def _groups(results: Results) -> dict[tuple[str, str], _Blocks]:
    if results.faces is None:
        return {}
    found: dict[tuple[str, str], _Blocks] = {("", "everybody"): results.faces}
    return found | {
        (analysis.name, group.group): group for analysis in results.faces.analyses for group in analysis.groups
    }


def _rule(results: Results) -> str:
    return "" if results.faces is None else results.faces.threshold_rule


def _disagreements(old: Results, new: Results) -> tuple[str, ...]:
    """Where figures that put many groups into one number do not agree whether the system became fairer."""
    if old.faces is None or new.faces is None:
        return ()
    before = {(a.name, f.name): f for a in old.faces.analyses for f in a.summaries}
    notes = []
    for analysis in new.faces.analyses:
        fairer: list[str] = []
        less: list[str] = []
        for figure in analysis.summaries:
            was = before.get((analysis.name, figure.name))
            if was is None or was.value is None or figure.value is None or was.value == figure.value:
                continue
            (fairer if (figure.value > was.value) == figure.larger_is_fairer else less).append(figure.name)
        if fairer and less:
            notes.append(
                f"By {analysis.name}, one-number figures disagree: fairer by {', '.join(fairer)}; less fair by "
                f"{', '.join(less)}. Read the groups."
            )
    return tuple(notes)


def _notes(old: Bundle, new: Bundle) -> tuple[str, ...]:
    notes = []
    if old.plan.hash != new.plan.hash:
        notes.append("The two audits carried out different plans: a change may be the plan's, not the system's.")
    if _rule(old.results) != _rule(new.results):
        notes.append(f"Thresholds were set differently: {_rule(old.results)}; {_rule(new.results)}.")
    if old.signer != new.signer:
        notes.append("The two bundles were signed with different keys.")
    for name, bundle in (("old", old), ("new", new)):
        if not bundle.results.preregistered:
            notes.append(f"The {name} audit is exploratory.")
    changed = [n for n, h in old.results.data.inputs.items() if new.results.data.inputs.get(n, h) != h]
    if changed:
        notes.append(
            f"Input files differ: {', '.join(sorted(changed))}. Scores of a new version do; labels should not."
        )
    return tuple(notes)
