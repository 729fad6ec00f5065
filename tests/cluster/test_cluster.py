"""A gallery among several Ray nodes on one machine: the answers of one machine, under load and whatever dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread

import pytest
from tests.cluster.ring import Patience, Ring, alone, calibration, enrol, environment, opened, probes, templates
from tests.fakes.postgres import NO_SERVER, PostgresServer, postgres_server, programs

from countenance.app import Countenance
from countenance.errors import CountenanceError, NotRecorded, NotSearched
from countenance.faces import Template
from countenance.gallery import Gallery, Matches

pytestmark = pytest.mark.cluster

FACES, QUERIES = 4_500, 10_000
SHARDS, REPLICAS = 3, 2
LIMIT, LEAST = 10, 0.1
ITSELF = 0.5  # below every made-up face's score with itself, which the normaliser moves away from 1
COMMAND = str(Path(sys.executable).parent / "countenance")
_STATUS = re.compile(r"shard (\d+), replica (\d+): \S+, process (\d+), (\d+) faces, (.*)")


@dataclass
class World:
    ring: Ring
    server: PostgresServer
    app: Countenance
    other: Countenance
    one: Gallery

    @property
    def gallery(self) -> Gallery:
        return self.app.gallery


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if programs() is None:
        pytest.skip(NO_SERVER)
    home, ring = tmp_path_factory.mktemp("cluster") / "home", Ring()
    more = {"COUNTENANCE_CLUSTER_SHARDS": str(SHARDS), "COUNTENANCE_CLUSTER_REPLICAS": str(REPLICAS)}
    with postgres_server() as server, environment(home, server.new_database("empty"), ring.address, **more):
        app = opened()
        other = opened()
        try:
            app.check_state()
            made = alone(app)
            writer = Gallery(app.database, app.normaliser, _now, _new_id, threads=1, recorder=app.bindings)
            for gallery_id in ("staff", "growing"):
                writer.create(gallery_id, app.model, "sface-1", {})
            ids = enrol(app, writer, "staff", 1000, FACES)
            for user in range(30):
                writer.create_user("staff", f"user {user}")
                writer.associate(
                    "staff", f"user {user}", ids[50 * user : 50 * user + 1], calibration=calibration(app), similarity=0
                )
            ring.start(2)
            patiently(lambda: app.gallery.search("staff", probes(app, 1, 1)[0], limit=1, min_score=LEAST))
            yield World(ring, server, app, other, made)
        finally:
            other.close()
            app.close()
            ring.kill()


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


def patiently(ask: Callable[[], object]) -> None:
    """Until it is answered."""
    patience = Patience()
    while True:
        try:
            ask()
        except (NotSearched, NotRecorded):
            if patience.over:
                raise
        else:
            return


def status() -> dict[tuple[int, int], tuple[int, str]]:
    """Process and state of every replica that answers."""
    said = subprocess.run([COMMAND, "cluster", "status"], capture_output=True, text=True, check=False).stdout
    return {(int(shard), int(replica)): (int(pid), state) for shard, replica, pid, _, state in _STATUS.findall(said)}


@dataclass
class Load:
    """Searches of a gallery that does not change, and changes of another one, each looked for at once."""

    world: World
    asked: list[Template]
    expected: tuple[Matches, ...]
    wrong: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    answered: int = 0
    failed: int = 0
    changed: int = 0
    _end: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def search(self, number: int) -> None:
        place = number
        while not self._end.is_set():
            place = (place + 1) % len(self.asked)
            try:
                got = self.world.gallery.search("staff", self.asked[place], limit=LIMIT, min_score=LEAST)
            except (NotSearched, NotRecorded) as error:
                with self._lock:
                    self.failed += 1
                    self.reasons.append(f"{type(error).__name__}: {error}")
                continue
            except CountenanceError as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                continue
            with self._lock:
                self.answered += 1
            if got != self.expected[place]:
                self.wrong.append(f"probe {place}: {got.gallery_size} faces, {len(got.hits)} hits")

    def change(self) -> None:
        """Enrol somebody by one process, look by the other; erase, look again."""
        app, number = self.world.other, 0
        while not self._end.is_set():
            number += 1
            (template,) = templates(app, 5_000_000 + number, 1)
            try:
                ids = enrol(app, app.gallery, "growing", 5_000_000 + number, 1)
            except NotRecorded:
                continue
            there = self._looked_for(template, ids[0])
            if there is False:
                self.wrong.append(f"enrolled and not found: {number}")
            try:
                app.gallery.erase("growing", ids)
            except NotRecorded:
                continue
            if self._looked_for(template, ids[0]):
                self.wrong.append(f"erased and found: {number}")
            self.changed += 1

    def _looked_for(self, template: Template, face_id: str) -> bool | None:
        try:
            got = self.world.gallery.search("growing", template, limit=1000, min_score=ITSELF)
        except (NotSearched, NotRecorded):
            return None
        return face_id in [face.face_id for face, _ in got.hits]

    @contextmanager
    def running(self) -> Iterator[Load]:
        threads = [Thread(target=self.search, args=(60 * i,)) for i in range(3)] + [Thread(target=self.change)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._end.set()
            for thread in threads:
                thread.join()

    def go_on(self, more: int = 30) -> None:
        """Wait for so many further answers, and a change that was looked for."""
        answered, changed = self.answered, self.changed
        patience = Patience()
        while self.answered < answered + more or self.changed <= changed:
            assert not patience.over, f"{self.answered - answered} answers, {self.failed} failures"
            time.sleep(0.1)


@pytest.fixture
def load(world: World) -> Iterator[Load]:
    asked = probes(world.app, 3, 200)
    expected = tuple(world.one.search("staff", probe, limit=LIMIT, min_score=LEAST) for probe in asked)
    with Load(world, asked, expected).running() as running:
        running.go_on()
        yield running
    assert running.wrong == []


def test_ten_thousand_queries_are_answered_as_by_one_machine(world: World) -> None:
    asked = probes(world.app, 2, QUERIES)
    expected = world.one.search_many("staff", asked, limit=LIMIT, min_score=LEAST)
    got: list[Matches] = []
    for start in range(0, QUERIES, 500):
        got += world.gallery.search_many("staff", asked[start : start + 500], limit=LIMIT, min_score=LEAST)
    assert tuple(got) == expected
    assert sum(len({score for _, score in found.hits}) < len(found.hits) for found in expected) > QUERIES / 2
    assert {found.gallery_size for found in expected} == {FACES}
    whole = [replace(probe, unseen=0.0) for probe in asked[:50]]
    unreserved = world.one.search_many("staff", whole, limit=LIMIT, min_score=LEAST)
    for probe, mine, other in zip(asked, expected, unreserved, strict=False):
        assert (mine == other) == (not probe.unseen)
    hits = [face.face_id for found in expected[:50] for face, _ in found.hits[:1]]
    for face_id, probe in zip(hits, asked, strict=False):  # a face that does not count
        mine = world.gallery.search("staff", probe, limit=3, min_score=LEAST, exclude_face_id=face_id)
        assert mine == world.one.search("staff", probe, limit=3, min_score=LEAST, exclude_face_id=face_id)


def test_users_are_found_as_by_one_machine(world: World) -> None:
    scale = calibration(world.app)
    for probe in probes(world.app, 4, 50):
        mine, expected = (
            gallery.search_users("staff", [probe], limit=5, calibration=scale, similarity=0.0)
            for gallery in (world.gallery, world.one)
        )
        assert mine == expected
        assert mine.hits


def test_a_shard_that_is_killed_costs_no_wrong_answer(world: World, load: Load) -> None:
    victim, _ = status()[1, 0]
    os.kill(victim, signal.SIGKILL)
    load.go_on()
    patiently(lambda: _again(1, 0, victim))


def test_so_does_the_gateway(world: World, load: Load) -> None:
    cluster = world.app.cluster
    assert cluster is not None
    assert cluster._process is not None
    cluster._process.kill()
    load.go_on()


def test_a_node_that_dies_costs_no_wrong_answer(world: World, load: Load) -> None:
    world.ring.remove(world.ring.workers[0])
    load.go_on()
    world.ring.workers.append(world.ring.add())
    patiently(_all_ready)


def test_a_database_that_is_away_for_ten_seconds_costs_no_wrong_answer(world: World, load: Load) -> None:
    world.server.stop(at_once=True)
    time.sleep(10)
    world.server.start()
    load.go_on()
    assert load.failed > 0


def test_a_rolling_restart_lets_every_search_be_answered(world: World, load: Load) -> None:
    before = status()
    failed = load.failed
    done = subprocess.run([COMMAND, "cluster", "restart"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    after = status()
    assert after.keys() == before.keys()
    assert not {pid for pid, _ in before.values()} & {pid for pid, _ in after.values()}
    load.go_on()
    assert load.failed == failed, load.reasons[failed:]


def test_a_head_that_dies_costs_no_wrong_answer_and_is_found_again(world: World, load: Load) -> None:
    world.ring.cluster.head_node.kill_gcs_server()
    load.go_on()  # on what the shards hold
    world.ring.kill()
    with pytest.raises(NotSearched):
        while True:
            world.gallery.search("staff", load.asked[0], limit=1, min_score=LEAST)
    world.ring.start(2)
    load.go_on()
    patiently(_all_ready)


def _again(shard: int, replica: int, victim: int) -> None:
    pid, state = status().get((shard, replica), (victim, "it does not answer"))
    if pid == victim or state != "ready":
        raise NotSearched(state)


def _all_ready() -> None:
    states = status()
    if len(states) < SHARDS * REPLICAS or any(state != "ready" for _, state in states.values()):
        raise NotSearched(str(states))
