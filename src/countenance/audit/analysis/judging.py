"""The declared family of comparisons, judged all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from countenance.audit.analysis.rates import bounds, finite, pooled, rate_of
from countenance.audit.formats.plan import DeclaredHypothesis, Plan
from countenance.audit.formats.results import Judged
from countenance.audit.formats.shares import Share
from countenance.errors import BadRequest
from countenance.metrics import Hypothesis as Declared
from countenance.metrics import judge, ratio


@dataclass(frozen=True, slots=True)
class RateTable:
    """Rates of one analysis: group names, and a share per group by measure."""

    groups: tuple[str, ...]
    shares: Mapping[str, tuple[Share, ...]]


@dataclass(frozen=True, slots=True)
class _Comparison:
    hypothesis: DeclaredHypothesis
    group: str
    reference: str
    declared: Declared


def judge_family(
    plan: Plan, tables: Mapping[str, RateTable], planned: Callable[[str, str], bool]
) -> tuple[Judged, ...]:
    """Judge every comparison that the plan declares, corrected over all of them.

    tables: by analysis name. planned: whether a comparison of (analysis, group) is as it was planned.
    BadRequest: a reference group that is not there.
    """
    comparisons = [c for hypothesis in plan.hypotheses for c in _comparisons(hypothesis, tables[hypothesis.factor])]
    if not comparisons:
        return ()
    judged = judge([c.declared for c in comparisons], plan.margin, plan.alpha, plan.correction)
    return tuple(
        Judged(
            measure=c.hypothesis.measure,
            factor=c.hypothesis.factor,
            group=c.group,
            reference=c.reference,
            verdict=j.verdict.value,
            ratio=finite(j.estimate),
            bounds=bounds(j.interval),
            p=j.p,
            p_corrected=j.p_corrected,
            equivalence_p_corrected=j.equivalence_p_corrected,
            margin=plan.margin,
            shows_margin=finite(j.shows_margin),
            beyond_margin=j.beyond_margin,
            planned=planned(c.hypothesis.factor, c.group) and planned(c.hypothesis.factor, c.reference),
            reason=j.reason,
        )
        for c, j in zip(comparisons, judged, strict=True)
    )


def _comparisons(hypothesis: DeclaredHypothesis, table: RateTable) -> Sequence[_Comparison]:
    shares = table.shares[hypothesis.measure]
    rates = [rate_of(share) for share in shares]
    if hypothesis.reference == "others":
        if len(rates) < 2:
            return ()
        at_most = 1 if len(rates) == 2 else len(rates)  # two groups: one comparison, not the same one twice
        pairs = [(at, [rate for other, rate in enumerate(rates) if other != at]) for at in range(at_most)]
        names = {at: table.groups[1 - at] if len(rates) == 2 else "others" for at in range(at_most)}
    elif hypothesis.reference in table.groups:
        reference = table.groups.index(hypothesis.reference)
        pairs = [(at, [rates[reference]]) for at in range(len(rates)) if at != reference]
        names = {at: hypothesis.reference for at, _ in pairs}
    else:
        raise BadRequest(
            f"the reference group {hypothesis.reference!r} is not among the groups of {hypothesis.factor}: "
            f"{', '.join(table.groups)}"
        )
    return [
        _Comparison(
            hypothesis,
            table.groups[at],
            names[at],
            Declared(
                f"{hypothesis.measure} of {table.groups[at]} by {hypothesis.factor} against {names[at]}",
                ratio(rates[at], pooled(reference_rates)),
            ),
        )
        for at, reference_rates in pairs
    ]
