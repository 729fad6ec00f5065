from __future__ import annotations

import pytest

from countenance import errors
from countenance.api.rekognition import errors as wire
from countenance.api.rekognition.server import _failure
from countenance.api.rekognition.shapes import load_model


def tree(root: type[errors.CountenanceError]) -> set[type[errors.CountenanceError]]:
    return {root}.union(*(tree(kind) for kind in root.__subclasses__()))


def test_every_error_of_the_tree_has_its_own_row() -> None:
    ours = {kind for kind in tree(errors.CountenanceError) if kind.__module__ == errors.__name__}
    assert set(wire.FAULTS) == ours


def test_every_row_is_a_type_that_boto3_can_catch_or_a_protocol_type() -> None:
    modelled = {shape.name for shape in load_model().error_shapes}
    protocol = {wire.UNRECOGNIZED_CLIENT.type, wire.UNAVAILABLE.type}
    assert {fault.type for fault in wire.FAULTS.values()} <= modelled | protocol


def test_only_internal_server_error_is_a_500() -> None:
    for fault in wire.FAULTS.values():
        assert (fault.status == 500) == (fault.type == "InternalServerError")
        assert 400 <= fault.status <= 503


def test_a_500_says_nothing_of_what_happened() -> None:
    for error in (errors.StoreError("secret path"), ValueError("an image"), errors.NotRecorded("disk full")):
        fault, message = wire.fault_of(error)
        assert fault == wire.INTERNAL
        assert message == wire.INTERNAL_MESSAGE


def test_an_error_below_a_known_one_is_answered_as_it() -> None:
    class NewKind(errors.NoFace):
        pass

    assert wire.fault_of(NewKind("no face"))[0] == wire.INVALID_PARAMETER


@pytest.mark.parametrize(("wait_s", "said"), [(60, "60"), (None, None)])
def test_a_spent_budget_says_when_to_come_back_if_that_helps(wait_s: int | None, said: str | None) -> None:
    answer = _failure(errors.BudgetSpent("what happened", "minute", wait_s), "r")
    assert (answer.status, answer.headers.get("retry-after")) == (429, said)
