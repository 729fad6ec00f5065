"""From start-up to shutdown, as the ASGI lifespan protocol has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from countenance.api.lifespan import Lifespan


class Told:
    """An application that notes what reaches it."""

    def __init__(self) -> None:
        self.types: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.types.append(scope["type"])


def run(application: Lifespan) -> list[str]:
    """The answers to a start-up and a shutdown."""
    answers: list[str] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        answers.append(message["type"])

    asyncio.run(application({"type": "lifespan"}, receive, send))
    return answers


def test_the_context_is_entered_at_start_up_and_left_at_shutdown() -> None:
    events: list[str] = []

    @contextmanager
    def context() -> Iterator[None]:
        events.append("begun")
        yield
        events.append("ended")

    inside = Told()
    application = Lifespan(inside, context)
    assert events == []
    assert run(application) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert events == ["begun", "ended"]
    assert inside.types == []


def test_a_start_up_that_fails_is_reported_and_nothing_is_served() -> None:
    @contextmanager
    def context() -> Iterator[None]:
        raise OSError("no room")
        yield

    assert run(Lifespan(Told(), context)) == ["lifespan.startup.failed"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_everything_else_is_passed_on(kind: str) -> None:
    inside = Told()
    asyncio.run(Lifespan(inside, lambda: pytest.fail("not a start-up"))({"type": kind}, None, None))  # type: ignore[arg-type]
    assert inside.types == [kind]
