"""A wrong clause is noticed: each pack's own cases fail for every small wrong done to any of its clauses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from countenance.policy.authoring import mutation
from countenance.policy.packs.pack import read_pack, shipped

NO_DIFFERENCE = {
    "mandate.granted": "the four forbids of the same pack say the same, on purpose: losing one of them permits nothing",
    "virginia.authorised-use: ends a day later": "what is disputed since that day is denied, authorised or not",
    "virginia.report: begins a day sooner": "nothing is permitted on the day before, so nothing could owe a report",
}
"""Changes that no request can tell from the original, and why."""


def unnoticed(name: str, kind: str) -> list[str]:
    pack = read_pack(name)
    survivors = list(mutation.unnoticed(pack, getattr(mutation, kind)(pack)))
    return [what for what in survivors if not any(what.startswith(known) for known in NO_DIFFERENCE)]


@pytest.mark.parametrize("name", shipped())
def test_no_clause_can_be_dropped_negated_or_turned_unnoticed(name: str) -> None:
    assert unnoticed(name, "coarse") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_no_part_of_a_clause_and_no_date_can_be_changed_unnoticed(name: str) -> None:
    assert unnoticed(name, "fine") == []
    assert unnoticed(name, "dates") == []


def test_a_mutant_would_be_found_alive_if_the_cases_were_silent() -> None:
    pack = read_pack("google")
    silent = replace(pack, cases=())
    assert all(mutation.survives(mutant) for _, mutant in mutation.coarse(silent))
