"""What all dialects share: protocols of the guard and the keys, one caller's run through the guard, and the log."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Protocol, TypeVar

from countenance.operations import Answer, Caller, Operation

RECEIPT = "x-countenance-receipt"
"""The header with the ledger's receipt."""

Seen = TypeVar("Seen")
Result = TypeVar("Result")


class CarriesOut(Protocol):
    """The guard that every operation goes through."""

    def carry_out(self, caller: Caller, operation: Operation[Seen, Result]) -> Answer[Result]:
        """Decide, record, act, record; returns the answer or raises an error of `countenance.errors`."""


class Credentials(Protocol):
    """Who holds which access key."""

    def secret_of(self, access_key: str) -> str | None:
        """The secret of a key; None if there is no such key."""


class OneCaller:
    """Runs one caller's operations through the guard; keeps the headers of the last answer."""

    def __init__(self, guard: CarriesOut, caller: Caller) -> None:
        self._guard = guard
        self._caller = caller
        self.headers: dict[str, str] = {}

    def __call__(self, operation: Operation[Seen, Result]) -> Result:
        """The result of `operation`."""
        answer = self._guard.carry_out(self._caller, operation)
        self.headers = {**answer.headers, RECEIPT: answer.receipt}
        return answer.result


def note_failure(log: logging.Logger, what: str, error: BaseException) -> None:
    """Log that `what` failed, with the error's type and place only: its message could contain what was sent."""
    for place in traceback.extract_tb(error.__traceback__)[-1:]:
        log.error("%s failed: %s at %s:%s", what, type(error).__name__, Path(place.filename).name, place.lineno)
