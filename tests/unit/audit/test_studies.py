from __future__ import annotations

import pytest
from tests.unit.audit.made_up import NOW

from countenance.audit.running import run_audit
from countenance.audit.studies.gender_shades import gender_shades_study
from countenance.audit.studies.published import published_compas, published_gender_shades
from countenance.errors import BadRequest

GOLDEN = {
    "Microsoft": {"darker · male": (19, 3.9, 9.1), "darker · female": (56, 16.3, 25.9), "lighter · male": (0, 0, 0.99),
                  "lighter · female": (5, 0.7, 3.9)},
    "Face++": {"darker · male": (2, 0.2, 2.3), "darker · female": (93, 28.9, 40.2), "lighter · male": (3, 0.3, 2.3),
               "lighter · female": (18, 3.9, 9.4)},
    "IBM": {"darker · male": (38, 8.8, 16.0), "darker · female": (94, 29.3, 40.5), "lighter · male": (1, 0.05, 1.5),
            "lighter · female": (21, 4.7, 10.6)},
}  # fmt: skip


@pytest.mark.parametrize("system", GOLDEN)
def test_the_twelve_cells_of_gender_shades_come_out_with_their_intervals(system: str) -> None:
    plan, loaded = gender_shades_study(system, NOW)
    results = run_audit(plan, plan, loaded, lambda: NOW)
    assert results.outcomes is not None
    cells = {group.group: group.error for group in results.outcomes.analyses[-1].groups}
    published = published_gender_shades()
    for at, (cell, (errors, low, high)) in enumerate(GOLDEN[system].items()):
        share = cells[cell]
        assert (share.errors, share.trials) == (errors, published.sizes[published.cells.index(cell)])
        assert share.estimate is not None and share.low is not None and share.high is not None
        assert 100 * share.estimate == pytest.approx(published.error_pct[system][at], abs=0.21)
        assert 100 * share.low == pytest.approx(low, abs=0.051)
        assert 100 * share.high == pytest.approx(high, abs=0.051)


def test_darker_women_are_shown_to_be_worse_off_everywhere_and_nothing_was_declared_before() -> None:
    for system in GOLDEN:
        plan, loaded = gender_shades_study(system, NOW)
        results = run_audit(plan, plan, loaded, lambda: NOW)
        worst = next(j for j in results.judged if j.group == "darker · female")
        assert worst.verdict == "difference shown" and not worst.planned
        assert not results.preregistered
        assert "darker · female" in results.headline


def test_a_system_that_was_not_tested_is_refused() -> None:
    with pytest.raises(BadRequest, match="tested Microsoft"):
        gender_shades_study("Kairos", NOW)


def test_published_figures_say_where_they_are_from() -> None:
    assert published_compas().study and published_compas().status
    assert published_gender_shades().study and published_gender_shades().status
