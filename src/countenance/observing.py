"""Who watches calls: how they end and how long their stages take, without a word of what is in them.

Whoever carries out a call names an observer for it; the stages further down find it there. Where nobody watches,
nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import Literal, ParamSpec, Protocol, TypeVar

Stage = Literal["detect", "embed", "search", "ledger"]
"""Parts of a call: finding faces, decoding included; making templates; searching a gallery; waiting for the disk."""

STAGES: tuple[Stage, ...] = ("detect", "embed", "search", "ledger")

P = ParamSpec("P")
T = TypeVar("T")


class Observer(Protocol):
    """Is told of calls by several threads at once; raises nothing."""

    def call(self, operation: str) -> AbstractContextManager[object]:
        """A call of that operation; left when it has ended."""

    def stage(self, stage: Stage) -> AbstractContextManager[object]:
        """A stage of the call that this thread carries out."""

    def ended(self, operation: str, outcome: str) -> None:
        """How a call ended: `done`, or the name of its error. Told within the call."""

    def refused(self, mandate_id: str, causes: Sequence[str]) -> None:
        """A call was refused to that mandate: by which clauses, or for what else."""


class Nobody:
    """Watches nothing."""

    def call(self, operation: str) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def stage(self, stage: Stage) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def ended(self, operation: str, outcome: str) -> None:
        """Nothing."""

    def refused(self, mandate_id: str, causes: Sequence[str]) -> None:
        """Nothing."""


NOBODY = Nobody()


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    @contextmanager
    def call(self, operation: str) -> Iterator[None]:
        """To all of them."""
        with ExitStack() as stack:
            for each in self._observers:
                stack.enter_context(each.call(operation))
            yield

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """To all of them."""
        with ExitStack() as stack:
            for each in self._observers:
                stack.enter_context(each.stage(stage))
            yield

    def ended(self, operation: str, outcome: str) -> None:
        """To all of them."""
        for each in self._observers:
            each.ended(operation, outcome)

    def refused(self, mandate_id: str, causes: Sequence[str]) -> None:
        """To all of them."""
        for each in self._observers:
            each.refused(mandate_id, causes)


_watching: ContextVar[Observer | None] = ContextVar("observer", default=None)


@contextmanager
def observed(observer: Observer, operation: str) -> Iterator[None]:
    """A call that `observer` watches, in this thread, until the block ends, however it does."""
    before = _watching.set(observer)
    outcome = "done"
    try:
        with observer.call(operation):
            try:
                yield
            except BaseException as error:
                outcome = type(error).__name__
                raise
            finally:
                observer.ended(operation, outcome)
    finally:
        _watching.reset(before)


def stage(name: Stage) -> AbstractContextManager[object]:
    """A stage of the call that this thread carries out, if somebody watches it."""
    observer = _watching.get()
    return nullcontext() if observer is None else observer.stage(name)


def timed(name: Stage) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A function that is a stage."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def within(*args: P.args, **kwargs: P.kwargs) -> T:
            with stage(name):
                return function(*args, **kwargs)

        return within

    return decorate
