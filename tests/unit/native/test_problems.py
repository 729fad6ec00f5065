from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from tests.fakes.rules import FixedRules

from countenance import errors
from countenance.api.native.problems import INTERNAL_DETAIL, KINDS, MEDIA_TYPE, response_of
from countenance.client.raising import error_in
from countenance.policy import Verdict


def tree(root: type[errors.CountenanceError]) -> set[type[errors.CountenanceError]]:
    return {root, *(each for kind in root.__subclasses__() for each in tree(kind))}


OURS = {kind for kind in tree(errors.CountenanceError) if kind.__module__ == errors.__name__}


def name_of(kind: type[errors.CountenanceError]) -> str:
    return kind.__name__


BY_NAME: list[type[errors.CountenanceError]] = sorted(OURS, key=name_of)


def body(error: BaseException) -> dict[str, Any]:
    return dict(json.loads(bytes(response_of(error).body)))


def test_every_error_of_the_tree_has_its_own_row() -> None:
    assert set(KINDS) == OURS


@pytest.mark.parametrize("kind", BY_NAME, ids=name_of)
def test_every_error_is_a_problem_of_its_row(kind: type[errors.CountenanceError]) -> None:
    error = kind("what happened")
    error.receipt = "v1;a;0;b;c"
    answer, said = response_of(error), body(error)
    assert answer.status_code == said["status"] == KINDS[kind].status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert said["title"] == KINDS[kind].title
    assert said["detail"] == (INTERNAL_DETAIL if answer.status_code == 500 else "what happened")
    assert said["receipt"] == answer.headers["x-countenance-receipt"] == "v1;a;0;b;c"
    assert ("www-authenticate" in answer.headers) == (kind is errors.Unauthenticated)
    assert ("retry-after" in answer.headers) == (answer.status_code in (429, 503))


def test_a_call_beyond_its_whole_budget_is_not_told_to_wait() -> None:
    answer = response_of(errors.BudgetSpent("send less", "minute", None))
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    spent = error_in(429, {}, bytes(answer.body))
    assert isinstance(spent, errors.BudgetSpent)
    assert spent.retry_after is None


def test_what_a_caller_did_is_a_4xx_and_what_we_did_is_a_5xx() -> None:
    ours = (errors.Misconfigured, errors.Overloaded, errors.NotRecorded, errors.NotSearched)
    for kind, row in KINDS.items():
        assert (row.status >= 500) == (issubclass(kind, ours) or kind is errors.CountenanceError)


def test_kinds_of_problem_are_named_apart() -> None:
    names = [body(kind("x"))["type"] for kind in OURS]
    assert len(set(names)) == len(OURS)
    assert body(errors.NoSuchFace("x"))["type"] == "urn:countenance:problem:no-such-face"


def test_an_error_below_a_known_one_is_answered_as_it() -> None:
    class NewKind(errors.NoFace):
        pass

    assert body(NewKind("x"))["type"] == "urn:countenance:problem:no-face"


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.UNDETERMINED])
def test_a_denial_by_the_rules_carries_the_whole_decision(verdict: Verdict) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    decision = FixedRules(verdict).decide(None, now)  # type: ignore[arg-type]
    error = errors.Denied(decision.sentence(), decision)
    error.receipt = "v1;a;0;b;c"
    assert body(error) == {**json.loads(json.dumps(decision.problem())), "receipt": "v1;a;0;b;c"}
    assert response_of(error).status_code == 403


def test_of_what_was_not_raised_on_purpose_neither_answer_nor_log_says_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for error in (ValueError("Ada Lovelace"), errors.StoreError("Ada Lovelace"), ResponseValidationError(["Ada"])):
            try:
                raise error
            except Exception as raised:
                assert "Ada" not in json.dumps(body(raised))
    assert "Ada" not in caplog.text
    assert "ValueError at test_problems.py" in caplog.text


def test_a_fault_names_the_place_and_not_the_value() -> None:
    fault = {
        "type": "missing",
        "loc": ("body", "holder", "Ada\u0007" + "x" * 500),
        "msg": "Field required",
        "input": "Ada L",
    }
    said = body(RequestValidationError([fault]))
    (only,) = said["faults"]
    assert said["status"] == 422
    assert only["at"].startswith("body.holder.Ada?xxx")
    assert len(only["at"]) < 150
    assert "Ada L" not in json.dumps(said)


def test_what_the_protocol_refuses_is_a_problem_too() -> None:
    assert body(HTTPException(405))["type"] == "urn:countenance:problem:method-not-allowed"
    assert body(HTTPException(418, "Ada"))["detail"] == "Refused."


def test_half_a_surrogate_pair_in_a_message_does_not_break_the_answer() -> None:
    assert body(errors.BadRequest("got \ud800"))["detail"] == "got ?"
