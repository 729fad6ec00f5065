"""Before and after: the same audit of two versions, cell by cell (Raji and Buolamwini 2019, "Actionable Auditing").

Where both audits are about the same people, their block counts are paired: with block rates m_b of the old and the new
version, the change in ln(rate) has the jackknife-like linearised terms d_b = f (m_new_b / p_new - m_old_b / p_old),
f = 2 for false matches (each in both of its people), 1 for misses, and variance Var_b(d_b)/B with Student's quantile,
B-1 degrees of freedom. Blocks are whole people, so this is clustered; the shared people make it paired. Everybody
together has blocks too, cut without regard to groups. A classifier's errors have blocks of people who are alike in
every group; every group is some of them. Where people or blocks differ, or the two disagree in fewer than
`FEWEST_BLOCKS` blocks (too few for Student's t: in simulations of equal rates p then fell below 0.005 up to four times
too often), the two rates count as independent, and a note says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from countenance.audit.bundle import Bundle, blocks_add_up, rows
from countenance.audit.formats.plan import System
from countenance.audit.formats.results import (
    FEWEST_BLOCKS,
    Bounds,
    FaceResults,
    GroupResult,
    Results,
    Share,
    bounds,
    finite,
    rate_of,
)
from countenance.errors import BadRequest
from countenance.metrics import holm, ratio, special

Verdict = Literal["better", "worse", "no change shown", "not comparable"]
HIGHER_IS_BETTER = ("ppv", "tpr", "npv")
_DERIVED = ("observed at", "fmr, ", "fnmr at ")
"""Cells that say again, otherwise, what others say: they would only make the family larger."""
Cell = tuple[str, str, str]
"""Analysis ("": everybody), measure and group of one rate, as in counts.csv."""


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
    changes = corrected(raw_changes(old.results, new.results, 1 - alpha), alpha)
    return AuditDifference(
        old.results.system,
        new.results.system,
        old.hash,
        new.hash,
        old.plan.hash == new.plan.hash,
        _rule(old.results) == _rule(new.results),
        changes,
        (*_notes(old, new), *_disagreements(old.results, new.results)),
    )


def raw_changes(old: Results, new: Results, level: float) -> tuple[Change, ...]:
    """Every rate of two results against each other, uncorrected: as yet no change is shown. level: of intervals."""
    before, after = rates_of(old), rates_of(new)
    blocks = _blocks(old), _blocks(new)
    return tuple(
        _change(cell, before.get(cell), after.get(cell), (blocks[0].get(cell), blocks[1].get(cell)), level)
        for cell in dict.fromkeys([*before, *after])
    )


def rates_of(results: Results) -> dict[Cell, Share]:
    """Every rate of `results` that two audits can be compared in; no PPV of a class that a group has nobody of."""
    rates = {
        (analysis, measure, group): share
        for analysis, measure, group, other, share in rows(results)
        if not other and measure != "fmr_any" and not measure.startswith(_DERIVED) and analysis != "search"
    }

    def can_be(cell: Cell) -> bool:
        analysis, measure, group = cell
        of_class = measure.removeprefix("ppv of ")
        there = rates.get((analysis, f"tpr of {of_class}", group))
        return measure == of_class or there is None or there.trials != 0

    return {cell: share for cell, share in rates.items() if can_be(cell)}


def corrected(changes: Sequence[Change], alpha: float) -> tuple[Change, ...]:
    """The changes with their verdicts: all that could be tested are one family, corrected by Holm's method."""
    tested = [change.p for change in changes if change.p is not None]
    of_tested = iter(holm(tested) if tested else ())
    return tuple(_judged(c, None if c.p is None else float(next(of_tested)), alpha) for c in changes)


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Errors and trials, (blocks, 2), of one cell. whose: of which people. factor: f of the module's text."""

    whose: str
    counts: NDArray[np.float64]
    factor: float

    def pairs_with(self, other: _Blocks) -> bool:
        """Whether a paired test of the two holds its level."""
        if self.whose != other.whose or self.counts.shape != other.counts.shape:
            return False
        tried = (self.counts[:, 1] > 0).all() and (other.counts[:, 1] > 0).all()
        return bool(tried and (self.counts != other.counts).any(axis=1).sum() >= FEWEST_BLOCKS)


def _change(
    cell: Cell, before: Share | None, after: Share | None, blocks: tuple[_Blocks | None, _Blocks | None], level: float
) -> Change:
    nothing = Share(None, None, None, None, None, None, level, None, None, "none", "not in this audit")
    old, new = before or nothing, after or nothing
    if not old.known or not new.known:
        unknown = Bounds(None, None, level)
        why = old.reason or new.reason
        return Change(*cell, old, new, None, unknown, None, None, False, "not comparable", why)
    one, other = blocks
    if one is not None and other is not None and one.pairs_with(other) and old.errors and new.errors:
        estimate, interval, p = _paired_ratio(one.counts, other.counts, one.factor, level)
        return Change(
            *cell, old, new, estimate, interval, p, None, True, "no change shown", "paired by blocks of people"
        )
    ratios = ratio(rate_of(new), rate_of(old))
    p_value = ratios.p_value() if old.errors or new.errors else 1.0
    note = "taken as independent: not the same people, or too few blocks or errors for a paired test"
    return Change(
        *cell,
        old,
        new,
        finite(ratios.estimate),
        bounds(ratios.at(level)),
        p_value,
        None,
        False,
        "no change shown",
        note,
    )


def _blocks(results: Results) -> dict[Cell, _Blocks]:
    """The blocks of people behind every rate that has any."""
    by_cell: dict[Cell, _Blocks] = {}
    if results.faces is not None:
        own: list[tuple[str, str, GroupResult | FaceResults]] = [("", "everybody", results.faces)]
        own += [(a.name, group.group, group) for a in results.faces.analyses for group in a.groups]
        for analysis, name, part in own:
            if not part.blocks or not part.people_digest or not blocks_add_up(part):
                continue
            false_matches = [[block.fmr_errors, block.fmr_trials] for block in part.blocks]
            misses = [[block.fnmr_errors, block.fnmr_trials] for block in part.blocks]
            by_cell[analysis, "fmr", name] = _Blocks(part.people_digest, np.array(false_matches, np.float64), 2.0)
            by_cell[analysis, "fnmr", name] = _Blocks(part.people_digest, np.array(misses, np.float64), 1.0)
    if results.outcomes is not None and results.outcomes.blocks:
        outcomes = results.outcomes
        counts = np.array([[block.errors, block.trials] for block in outcomes.blocks], np.float64)
        names = np.array([block.groups for block in outcomes.blocks])
        parts = {("", "everybody"): np.ones(len(counts), bool)}
        for at, analysis_of in enumerate(outcomes.analyses):
            parts |= {(analysis_of.name, g.group): names[:, at] == g.group for g in analysis_of.groups}
        for (analysis, name), here in parts.items():
            if here.sum() >= FEWEST_BLOCKS:
                whose = f"{outcomes.people_digest} {names[here].tolist()}"
                by_cell[analysis, "error", name] = _Blocks(whose, counts[here], 1.0)
    return by_cell


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
    quantile = special.student_quantile(count - 1, 0.5 + level / 2)
    p = 2 * special.student_tail(count - 1, abs(log_ratio) / spread) if log_ratio else 1.0
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
