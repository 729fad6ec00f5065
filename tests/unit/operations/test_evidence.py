"""What whoever starts the server is told about evidence."""

from datetime import datetime, timedelta

import pytest

from countenance.audit.evidence import shipped_evidence
from countenance.audit.evidence.statement import Evidence
from countenance.operations import evidence_summary


@pytest.fixture(scope="module")
def shipped() -> tuple[tuple[Evidence, ...], str, str, datetime]:
    (first, *_) = every = shipped_evidence()
    return every, first.subject.model, first.subject.calibration, datetime.fromisoformat(first.issued_at)


def test_evidence_in_date_says_until_when_and_for_which_threshold(
    shipped: tuple[tuple[Evidence, ...], str, str, datetime],
) -> None:
    every, model, calibration, issued = shipped
    said = evidence_summary(every, model, calibration, issued + timedelta(days=1))
    assert said.startswith("in date until 20")
    assert "0.0001 and less" in said or "0.001 and less" in said


@pytest.mark.parametrize("other", ["model", "calibration", "nothing"])
def test_evidence_for_another_model_or_calibration_is_none(
    shipped: tuple[tuple[Evidence, ...], str, str, datetime], other: str
) -> None:
    every, model, calibration, issued = shipped
    if other == "nothing":
        every = ()
    model = "f" * 64 if other == "model" else model
    calibration = "f" * 64 if other == "calibration" else calibration
    said = evidence_summary(every, model, calibration, issued + timedelta(days=1))
    assert said.startswith("none for exactly model " + model[:8])
    assert "refuse to identify (1:N)" in said


def test_evidence_that_ended_says_when(shipped: tuple[tuple[Evidence, ...], str, str, datetime]) -> None:
    every, model, calibration, issued = shipped
    said = evidence_summary(every, model, calibration, issued + timedelta(days=4000))
    assert "it ended on 20" in said
    assert "refuse to identify (1:N)" in said
