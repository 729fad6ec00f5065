"""A result held for review, where a test needs one and its contents do not matter."""

from __future__ import annotations

from countenance.custody import Custody, Hold


def held(custody: Custody) -> Hold:
    """A hold on nothing, for one reviewer."""
    return custody.hold(
        mandate_id="m",
        decision=1,
        request_hash="a",
        result_hash="b",
        contents={},
        reviewers=1,
        authorise_by=None,
        clauses=[],
    )
