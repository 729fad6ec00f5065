"""The galleries' search in a server process: a gateway beside it asks the shards, and is started again when it dies.

Ray ends the process of a driver that loses its cluster for long, so the driver is a process of its own: the server goes
on, its searches fail with `NotSearched` until a new gateway has found the cluster again.
"""

from __future__ import annotations

import itertools
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from multiprocessing.connection import Connection
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from countenance import errors
from countenance.cluster.plan import ClusterPlan
from countenance.cluster.shard import ShardQuestion, ShardReply
from countenance.errors import CountenanceError, NotSearched
from countenance.gallery import FoundRows, GalleryHead, SearchCounts, gathered
from countenance.gallery.search.chunk import Rows

GATEWAY = "countenance.cluster.gateway"
_AGAIN_S = 1.0  # between the end of a gateway and the start of the next
_INLINE = 65_536  # bytes of probes in one call: Ray would keep more of them in its object store, and perhaps on disk
_AWAY = "the cluster cannot be reached, so nothing is searched"
log = logging.getLogger(__name__)


class ClusterSearch:
    """See `GallerySearch`. The gateway starts with the first search; `close` ends it.

    environment: all variables of the gateway's process, those of Ray among them.
    """

    def __init__(self, plan: ClusterPlan, environment: Mapping[str, str]) -> None:
        self._plan = plan
        self._environment = {**environment, "RAY_USAGE_STATS_ENABLED": "0"}
        self._numbers = itertools.count()
        self._lock = Lock()
        self._waiting: dict[int, Future[list[ShardReply]]] = {}
        self._pipe: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: Thread | None = None
        self._ready = Event()
        self._closing = Event()

    def find(
        self,
        gallery_id: str,
        head: GalleryHead,
        probes: Rows,
        limit: int,
        min_score: float,
        *,
        without: int | None = None,
        owned: bool = False,
    ) -> FoundRows | None:
        """See `GallerySearch`."""
        room = max(1, _INLINE // (4 * probes.shape[1]))
        some = [probes[start : start + room] for start in range(0, max(1, len(probes)), room)]
        questions = [
            ShardQuestion(self._plan.identity, gallery_id, head, each, limit, min_score, without, owned)
            for each in some
        ]
        asked = [self._ask(question) for question in questions]
        answers = [self._gathered(head, answer.result(), limit) for answer in asked]
        found = [each for each in answers if each is not None]
        if len(found) < len(answers):
            return None
        hits = [each for one in found for each in one.hits]
        return FoundRows(found[0].size, min(one.revision for one in found), hits)

    def _gathered(self, head: GalleryHead, replies: list[ShardReply], limit: int) -> FoundRows | None:
        found = [_found(reply) for reply in replies]
        parts = [each for each in found if each is not None]
        if len(parts) < len(found):
            return None
        if len(parts) != self._plan.shards or any(part.revision < head.revision for part in parts):
            raise NotSearched("a shard did not answer for the gallery as it is now")
        return gathered(parts, limit)

    def read(self, gallery_id: str, head: GalleryHead) -> None:
        """See `GallerySearch`: returns when every shard has the gallery at `head`."""
        nobody = np.zeros((0, 1), dtype=np.float32)
        while not self._closing.is_set():
            try:
                self.find(gallery_id, head, nobody, 1, 0.0)
            except NotSearched:
                self._closing.wait(_AGAIN_S)
            else:
                return

    def forget(self, gallery_id: str) -> None:
        """See `GallerySearch`. A shard that does not hear of it notices within seconds."""
        if self._ready.is_set():
            self._send(next(self._numbers), "drop", gallery_id)

    @property
    def counts(self) -> SearchCounts:
        """None: they are counted where the rows are."""
        return SearchCounts()

    def close(self) -> None:
        """End the gateway; the shards stay."""
        self._closing.set()
        process, keeper = self._process, self._keeper
        if process is not None:
            process.kill()
        if keeper is not None:
            keeper.join()
        self._fail_all()

    def _ask(self, question: ShardQuestion) -> _Answer:
        deadline = time.monotonic() + self._plan.within_s
        with self._lock:
            if self._keeper is None:
                self._keeper = Thread(target=self._keep, name="cluster", daemon=True)
                self._keeper.start()
        if not self._ready.wait(self._plan.within_s):
            raise NotSearched(_AWAY)
        number, future = next(self._numbers), Future[list[ShardReply]]()
        self._waiting[number] = future
        if not self._send(number, "find", question):
            self._waiting.pop(number, None)
            raise NotSearched(_AWAY)
        return _Answer(self, number, future, deadline)

    def _send(self, number: int, what: str, question: Any) -> bool:
        with self._lock:
            pipe = self._pipe
            if pipe is None:
                return False
            try:
                pipe.send((number, what, question))
            except OSError:
                return False
            return True

    def _keep(self) -> None:
        """Have a gateway run, whatever becomes of it, until `close`."""
        while not self._closing.is_set():
            try:
                self._run()
            except (EOFError, OSError) as error:
                if not self._closing.is_set():
                    log.error("the cluster at %s is not reached (%s)", self._plan.address, type(error).__name__)
            self._closing.wait(_AGAIN_S)

    def _run(self) -> None:
        """One gateway from its start to its end, which is an error."""
        ours, theirs = socket.socketpair()
        with theirs, Connection(ours.detach()) as pipe:
            command = [sys.executable, "-m", GATEWAY, str(theirs.fileno())]
            self._process = process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=self._environment
            )
            theirs.close()
            try:
                if not self._closing.is_set():  # `close` may have come before there was a process to kill
                    pipe.send(self._plan)
                    self._listen(pipe)
            finally:
                self._ready.clear()
                with self._lock:
                    self._pipe = None
                process.kill()
                process.wait()
                self._fail_all()

    def _listen(self, pipe: Connection) -> None:
        while True:
            number, replies = pipe.recv()
            if number is None:  # it has found the cluster
                with self._lock:
                    self._pipe = pipe
                self._ready.set()
                log.info("the cluster at %s is reached", self._plan.address)
                continue
            future = self._waiting.pop(number, None)
            if future is not None:
                future.set_result(replies)

    def _fail_all(self) -> None:
        for number in list(self._waiting):
            future = self._waiting.pop(number, None)
            if future is not None:
                future.set_exception(NotSearched(_AWAY))

    def forgo(self, number: int) -> None:
        """Nobody waits for that answer any more."""
        self._waiting.pop(number, None)


class _Answer:
    """What was asked and is not answered yet."""

    def __init__(self, search: ClusterSearch, number: int, future: Future[list[ShardReply]], deadline: float) -> None:
        self._search, self._number, self._future, self._deadline = search, number, future, deadline

    def result(self) -> list[ShardReply]:
        """The replies of all shards; `NotSearched` when it is too late."""
        try:
            return self._future.result(max(0.0, self._deadline - time.monotonic()) + 1.0)
        except TooLate:
            self._search.forgo(self._number)
            raise NotSearched("the shards did not answer in time") from None


def _found(reply: ShardReply) -> FoundRows | None:
    if reply.error is None:
        return reply.found()
    kind = getattr(errors, reply.error, None)
    if isinstance(kind, type) and issubclass(kind, CountenanceError):
        raise kind(reply.message)
    raise CountenanceError(reply.message)
