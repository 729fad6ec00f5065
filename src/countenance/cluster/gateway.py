"""The driver of Ray beside a server: asks the replicas of every shard and hands on what they say, or that one is away.

Run as `python -m countenance.cluster.gateway FD` by `ClusterSearch`. It ends when the pipe does, and when it has not
reached some shard for long: the next one begins with a fresh view of the cluster.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from countenance.cluster.plan import ClusterPlan
from countenance.cluster.shard import ShardQuestion, ShardReply

if TYPE_CHECKING:
    from countenance.cluster.actors import Actors

_NEXT_S = 1.0  # without an answer, another replica is asked as well
_PAUSE_S = 0.1  # before a shard is asked again all of whose replicas failed
_GIVE_UP_S = 120.0  # without an answer of a shard that is asked: then another gateway begins anew
_AWAY = "away"  # the error of a replica that Ray does not reach
_PASSING = (_AWAY, "NotSearched", "NotRecorded", "Misconfigured", "CountenanceError")
"""Errors that another replica, or the same one later, may not have."""
_LAST_S = 0.5  # of the time for a search: an error still has to arrive


class Gateway:
    """Answers the server at the other end of `pipe`."""

    def __init__(self, plan: ClusterPlan, pipe: Connection, actors: Actors) -> None:
        self._plan, self._pipe, self._actors = plan, pipe, actors
        self._sending = Lock()
        self._turn = 0
        self._silent: dict[int, float] = {}  # since when a shard that is asked has not answered
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbound = ThreadPoolExecutor(1, thread_name_prefix="inbound")

    async def run(self, inbox: SimpleQueue[Any]) -> None:
        """Answer what arrives in `inbox`."""
        loop = asyncio.get_running_loop()
        self._send(None, ())
        while True:
            number, what, question = await loop.run_in_executor(self._inbound, inbox.get)
            task = loop.create_task(self._find(number, question) if what == "find" else self._drop(question))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _find(self, number: int, question: ShardQuestion) -> None:
        self._turn += 1
        shards = range(self._plan.shards)
        replies = await asyncio.gather(*(self._of_shard(shard, question, self._turn) for shard in shards))
        self._send(number, replies)

    async def _drop(self, gallery_id: str) -> None:
        for shard in range(self._plan.shards):
            for replica in range(self._plan.replicas):
                actor = self._actors.known(shard, replica)
                if actor is not None:
                    actor.drop.remote(gallery_id)

    async def _of_shard(self, shard: int, question: ShardQuestion, turn: int) -> ShardReply:
        """The first good answer of any replica; until the time is over, those that failed are asked again."""
        deadline = time.monotonic() + self._plan.within_s - _LAST_S
        last = ShardReply(error=_AWAY, message=f"shard {shard} of {self._plan.shards} is away")
        asked: dict[asyncio.Task[ShardReply], int] = {}
        replicas = [(turn + i) % self._plan.replicas for i in range(self._plan.replicas)]
        waiting, tries = list(replicas), 0
        try:
            while (left := deadline - time.monotonic()) > 0:
                if waiting:
                    replica = waiting.pop(0)
                    tries += 1
                    asked[asyncio.create_task(self._of_replica(shard, replica, question))] = replica
                done, _ = await asyncio.wait(
                    asked, timeout=min(left, _NEXT_S if waiting else left), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    replica, reply = asked.pop(task), task.result()
                    if reply.error != _AWAY:
                        self._silent.pop(shard, None)
                    if reply.error is None:
                        return reply
                    last = reply
                    if reply.error not in _PASSING:
                        return reply
                    waiting.append(replica)
                if done and tries >= len(replicas):
                    await asyncio.sleep(_PAUSE_S)
        finally:
            for task in asked:
                task.cancel()
        if last.error != _AWAY:
            return last
        self._note_silence(shard)
        return last._replace(error="NotSearched")

    async def _of_replica(self, shard: int, replica: int, question: ShardQuestion) -> ShardReply:
        try:
            actor = await self._actors.get(shard, replica)
            reply: ShardReply = await actor.find.remote(question)
        except Exception as error:  # of Ray: gone, restarting, unreachable
            self._actors.lost(shard, replica)
            return ShardReply(
                error=_AWAY, message=f"shard {shard} of {self._plan.shards} is away ({type(error).__name__})"
            )
        return reply

    def _note_silence(self, shard: int) -> None:
        now = time.monotonic()
        if now - self._silent.setdefault(shard, now) > _GIVE_UP_S:
            os._exit(3)

    def _send(self, number: int | None, replies: Any) -> None:
        with self._sending:
            self._pipe.send((number, list(replies)))


def main() -> None:
    """Serve the pipe whose descriptor is the first argument."""
    pipe = Connection(int(sys.argv[1]))
    plan: ClusterPlan = pipe.recv()
    inbox: SimpleQueue[Any] = SimpleQueue()

    def listen() -> None:
        try:
            while True:
                inbox.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)  # wherever this process is by then: Ray waits long for a cluster that is gone

    Thread(target=listen, name="pipe", daemon=True).start()
    from countenance.cluster.actors import Actors, joined  # Ray, which takes seconds: the pipe is listened to by now

    with joined(plan):
        actors = Actors(plan)
        actors.make_all()
        asyncio.run(Gateway(plan, pipe, actors).run(inbox))


if __name__ == "__main__":
    main()
