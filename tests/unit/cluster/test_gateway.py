"""What the gateway makes of replicas that answer, fail or are silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from countenance.cluster import ClusterPlan, gateway
from countenance.cluster.gateway import Gateway
from countenance.cluster.shard import ShardQuestion, ShardReply
from countenance.faces import ModelId
from countenance.gallery import GalleryHead

HEAD = GalleryHead(1, ModelId("a" * 64), 4, 10, 3, 0)
QUESTION = ShardQuestion("i", "staff", HEAD, np.zeros((1, 4), np.float32), 5, 0.0, None, False)
GOOD = ShardReply(1, 3, ())
Behaviour = Callable[[], Any]


class Gone(Exception):
    """As Ray's are."""


class _Method:
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def remote(self, _: Any) -> Any:
        became = self._behaviour()
        return await became if asyncio.iscoroutine(became) else became


class FakeActors:
    """One behaviour for each shard and replica. asked: in which order."""

    def __init__(self, behaviours: dict[tuple[int, int], Behaviour]) -> None:
        self.behaviours = behaviours
        self.asked: list[tuple[int, int]] = []
        self.dropped: list[tuple[int, int]] = []

    async def get(self, shard: int, replica: int) -> Any:
        self.asked.append((shard, replica))
        actor = type("Actor", (), {})()
        actor.find = _Method(self.behaviours[shard, replica])
        return actor

    def lost(self, shard: int, replica: int) -> None:
        self.dropped.append((shard, replica))


class Pipe:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, what: Any) -> None:
        self.sent.append(what)


def ask(actors: FakeActors, shards: int, replicas: int, within_s: float = 1.5) -> list[ShardReply]:
    plan = ClusterPlan("127.0.0.1:1", "i", shards, replicas, 1, None, within_s)  # type: ignore[arg-type]
    pipe = Pipe()
    asyncio.run(Gateway(plan, pipe, actors)._find(7, QUESTION))  # type: ignore[arg-type]
    ((number, replies),) = pipe.sent
    assert number == 7
    return list(replies)


def fails() -> Any:
    raise Gone


async def _silent() -> Any:
    await asyncio.sleep(60)


def test_every_shard_answers_once() -> None:
    actors = FakeActors({(shard, 0): lambda: GOOD for shard in range(3)})
    assert ask(actors, 3, 1) == [GOOD] * 3
    assert sorted(actors.asked) == [(0, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize("broken", [0, 1])
def test_a_replica_that_fails_is_replaced_by_the_other(broken: int) -> None:
    actors = FakeActors({(0, broken): fails, (0, 1 - broken): lambda: GOOD})
    assert ask(actors, 1, 2) == [GOOD]


def test_one_that_is_silent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "_NEXT_S", 0.01)
    actors = FakeActors({(0, 0): lambda: GOOD, (0, 1): _silent})
    assert ask(actors, 1, 2) == [GOOD]
    assert actors.asked == [(0, 1), (0, 0)]


def test_a_shard_without_any_replica_is_an_error_that_names_it() -> None:
    actors = FakeActors({(0, 0): lambda: GOOD, (1, 0): fails})
    good, bad = ask(actors, 2, 1)
    assert good == GOOD
    assert (bad.error, bad.message) == ("NotSearched", "shard 1 of 2 is away (Gone)")
    assert len(actors.asked) > 2  # it was asked again until the time was over
    assert (1, 0) in actors.dropped


def test_one_that_comes_back_in_time_answers() -> None:
    left = [3]

    def later() -> Any:
        left[0] -= 1
        if left[0]:
            raise Gone
        return GOOD

    assert ask(FakeActors({(0, 0): later}), 1, 1) == [GOOD]


def test_what_no_replica_could_do_better_is_answered_at_once() -> None:
    refused = ShardReply(error="NotAsRecorded", message="no")
    actors = FakeActors({(0, 0): lambda: refused, (0, 1): lambda: refused})
    assert ask(actors, 1, 2) == [refused]
    assert len(actors.asked) == 1


def test_a_shard_that_is_behind_says_so_itself() -> None:
    behind = ShardReply(error="NotSearched", message="part 0 of 1 did not reach revision 3")
    assert ask(FakeActors({(0, 0): lambda: behind}), 1, 1) == [behind]


def test_a_gateway_that_reaches_nobody_for_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "_GIVE_UP_S", -1.0)
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    ask(FakeActors({(0, 0): fails}), 1, 1, within_s=0.6)
    assert ended == [3]
    ask(FakeActors({(0, 0): lambda: ShardReply(error="NotSearched")}), 1, 1, within_s=0.6)
    assert ended == [3]  # one that is heard is no reason
