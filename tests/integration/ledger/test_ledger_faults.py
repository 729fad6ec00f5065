"""Faults: killed processes, full disks, torn files. No acknowledged entry is lost, and no wrong tree is accepted."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from benchmarks.hardening import LONG
from sqlalchemy import event
from tests.fakes.postgres import NO_SERVER, postgres_server, programs

from countenance.database import open_database
from countenance.errors import CountenanceError, NotRecorded
from countenance.ledger import Ledger, Records, merkle, verify_records
from countenance.signing import Signer

pytestmark = pytest.mark.hardening

KILLS = 100 if LONG else 30
APPENDER = Path(__file__).with_name("appender.py")
SIGNER = Signer(bytes(32))
ORIGIN = "log.example/faces"


def now() -> datetime:
    return datetime.now(UTC)


class Appender:
    """A process that appends; `acknowledged` holds what it said was durable, index -> leaf hash."""

    def __init__(
        self, database: Path | str, name: str, limit: int | str | None = None, inside: Sequence[str] = ()
    ) -> None:
        arguments = [*inside, sys.executable, str(APPENDER), str(database), name, *([str(limit)] if limit else [])]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.acknowledged: dict[int, str] = {}
        self.refused = 0
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", self.process.communicate()[1].decode()
        self._lines: list[bytes] = []
        self._reading = Thread(target=self._lines.extend, args=[self.process.stdout])
        self._reading.start()  # a pipe that nobody reads is full after some 900 entries, and the process would stop

    def end(self, kill: bool = True) -> None:
        if kill:
            self.process.send_signal(signal.SIGKILL)
        assert self.process.stderr is not None
        err = self.process.stderr.read()
        self.process.wait(120)
        self._reading.join()
        usual = (
            "the ledger cannot be written",
            "the ledger is written again",
            "error ignored terminating <psycopg",  # the driver, of a connection whose server is gone
        )
        told = [line for line in err.decode().splitlines() if not line.startswith(usual)]
        assert not told, err.decode()
        for line in map(bytes.decode, self._lines):
            if line == "refused\n":
                self.refused += 1
            elif line.endswith("\n"):
                index, leaf, _, _ = line.split()
                assert int(index) not in self.acknowledged
                self.acknowledged[int(index)] = leaf


def assert_whole(path: Path | str, acknowledged: dict[int, str], verify: bool = True) -> int:
    """Every acknowledged entry stands where it was acknowledged, nothing is missing between, and the tree is right."""
    engine = open_database(path)
    try:
        records = Records(engine)
        rows = list(records.stored())
        assert [row.sequence for row in rows] == list(range(len(rows)))
        assert acknowledged.items() <= {row.sequence: row.leaf_hash.hex() for row in rows}.items()
        if verify:
            assert verify_records(records).findings == []
        return len(rows)
    finally:
        engine.dispose()


def kill_again_and_again(path: Path | str, rounds: int, chance: random.Random) -> int:
    acknowledged: dict[int, str] = {}
    for n in range(rounds):
        appender = Appender(path, f"round-{n}")
        time.sleep(chance.uniform(0.05, 0.6))
        appender.end()
        assert not acknowledged.keys() & appender.acknowledged.keys()
        acknowledged |= appender.acknowledged
        size = assert_whole(path, acknowledged, verify=n % 10 == 9 or n == rounds - 1)
    assert len(acknowledged) > rounds
    assert size >= len(acknowledged) + 1
    return len(acknowledged)


def test_no_acknowledged_entry_is_lost_when_the_process_is_killed(place: Path | str) -> None:
    kill_again_and_again(place, 4, random.Random(1))


@pytest.mark.slow
def test_no_acknowledged_entry_is_lost_in_many_kills(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("kills", KILLS)
    record_property(
        "entries acknowledged in those kills",
        kill_again_and_again(tmp_path / "countenance.sqlite", KILLS, random.Random(2)),
    )


def test_processes_that_append_at_once_make_one_log(place: Path | str) -> None:
    open_database(place).dispose()
    appenders = [Appender(place, name) for name in ("server", "command")]
    time.sleep(1.5)
    appenders[0].end()
    time.sleep(0.5)
    appenders[1].end()
    one, other = (appender.acknowledged for appender in appenders)
    assert one
    assert other
    assert not one.keys() & other.keys()
    assert_whole(place, one | other)


def grown(url: str, start: int) -> None:
    """Return when both appenders have written since entry `start`, fifty entries in all; after a minute anyway."""
    engine, end = open_database(url), time.monotonic() + 60
    by: set[object] = set()
    size = start
    while not (size >= start + 50 and by >= {"one", "other"}) and time.monotonic() < end:
        time.sleep(0.1)
        rows = list(Records(engine).stored(size))
        by |= {json.loads(row.text).get("by") for row in rows}
        size += len(rows)
    engine.dispose()


@pytest.mark.parametrize("away_s", [1.0, pytest.param(10.0, marks=pytest.mark.slow)])
def test_a_database_server_that_dies_under_load_loses_nothing_that_was_acknowledged(away_s: float) -> None:
    if programs() is None:
        pytest.skip(NO_SERVER)
    with postgres_server(fsync=True) as server:
        url = server.new_database("empty")
        appenders = [Appender(url, name, "again") for name in ("one", "other")]
        grown(url, 0)
        server.stop(at_once=True)
        time.sleep(away_s)
        server.start()
        before = Records(engine := open_database(url)).size
        grown(url, before)  # both go on by themselves
        time.sleep(0.5)
        engine.dispose()
        for appender in appenders:
            appender.end()
            assert appender.refused
            assert any(index < before for index in appender.acknowledged)
            assert any(index >= before for index in appender.acknowledged)
        one, other = (appender.acknowledged for appender in appenders)
        assert not one.keys() & other.keys()
        assert_whole(url, one | other)


SMALL_DISK = 'mount -t tmpfs -o size=1m none "$0" && "$@"; code=$?; cp "$0"/* "$0".left/; exit $code'
"""sh -c SMALL_DISK FOLDER COMMAND…: run the command with a disk of 1 MiB at FOLDER; copies what is left on it."""


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    disk, left = tmp_path / "disk", tmp_path / "disk.left"
    disk.mkdir()
    left.mkdir()
    own_mounts = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*own_mounts, "mount", "-t", "tmpfs", "none", disk], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not let tests mount a small disk")
    inside = [*own_mounts, "sh", "-c", SMALL_DISK, str(disk)]
    appender = Appender(disk / "countenance.sqlite", "full", inside=inside)
    appender.end(kill=False)
    assert appender.refused
    assert len(appender.acknowledged) > 10
    size = assert_whole(left / "countenance.sqlite", appender.acknowledged)
    assert size == max(appender.acknowledged) + 1  # refused means not there, either


def test_a_file_that_may_not_grow_refuses_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "countenance.sqlite"
    appender = Appender(path, "full", limit=600_000)
    appender.end(kill=False)
    assert appender.refused
    assert len(appender.acknowledged) > 10
    size = assert_whole(path, appender.acknowledged)
    ledger = Ledger(open_database(path), SIGNER, ORIGIN, now)  # there is room again
    assert ledger.append({"kind": "note"}).wait().index == size
    ledger.close()


def test_a_database_without_room_refuses_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "countenance.sqlite"
    engine = open_database(path)
    ledger = Ledger(engine, SIGNER, ORIGIN, now)
    receipts = [ledger.append({"kind": "note"}).wait()]

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={room}")

    room = 60
    event.listen(engine, "connect", limit)
    engine.dispose()  # who asks next gets a new connection
    with pytest.raises(NotRecorded, match="full"):
        while True:
            receipts.append(ledger.append({"kind": "note", "x": "y" * 3000}, {"z": "y" * 3000}).wait())
    with pytest.raises(NotRecorded, match="full"):
        ledger.append({"kind": "note", "x": "y" * 3000}, {"z": "y" * 3000}).wait()
    assert ledger.size == receipts[-1].index + 1
    assert_whole(path, {receipt.index: receipt.leaf_hash.hex() for receipt in receipts})
    room = 100_000
    engine.dispose()
    assert ledger.append({"kind": "note", "x": "y" * 3000}).wait().index == receipts[-1].index + 1
    ledger.close()
    engine.dispose()


class Torn:
    """A database whose write-ahead log holds many commits, and what was acknowledged at each length of that file."""

    def __init__(self, folder: Path) -> None:
        path = folder / "countenance.sqlite"
        engine = open_database(path)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA wal_autocheckpoint=0"))
        engine.dispose()
        ledger = Ledger(engine, SIGNER, ORIGIN, now, checkpoint_every_s=0.0)
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        wal = folder / "countenance.sqlite-wal"
        self.acknowledged = [(wal.stat().st_size, 0)]
        for n in range(40):
            last = [ledger.append({"kind": "note", "n": n, "of": k}) for k in range(1 + n % 3)][-1].wait()
            self.acknowledged.append((wal.stat().st_size, last.index + 1))
        self.leaves = [row.leaf_hash for row in ledger.stored()]
        self.database, self.wal = path.read_bytes(), wal.read_bytes()
        ledger.close()
        engine.dispose()

    def durable_at(self, length: int) -> int:
        """How many entries were acknowledged when the file was no longer than this."""
        return max((size for end, size in self.acknowledged if end <= length), default=0)


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Torn:
    return Torn(tmp_path_factory.mktemp("torn"))


def reopened(torn: Torn, folder: Path, wal: bytes) -> int | None:
    """Entries after opening what is left; None where opening refuses. What opens must be a prefix, and go on."""
    path = folder / "countenance.sqlite"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path.write_bytes(torn.database)
    path.with_name(path.name + "-wal").write_bytes(wal)
    engine = open_database(path)
    try:
        ledger = Ledger(engine, SIGNER, ORIGIN, now)
        size = ledger.size
        assert [row.leaf_hash for row in ledger.stored()] == torn.leaves[:size]
        checkpoint = ledger.last_checkpoint()
        if checkpoint is not None:
            assert checkpoint.root == merkle.tree_hash(torn.leaves[: checkpoint.size])
        assert verify_records(ledger).findings == []
        ledger.append({"kind": "note"}).wait()
        assert verify_records(ledger).findings == []
        ledger.close()
    except CountenanceError:
        return None
    finally:
        engine.dispose()
    return size


def test_a_log_file_torn_anywhere_leaves_a_verifiable_prefix_with_all_that_was_acknowledged(
    torn: Torn, tmp_path: Path
) -> None:
    chance = random.Random(3)
    ends = [end for end, _ in torn.acknowledged]
    near = [end + step for end in chance.sample(ends, 8) for step in (-1, 0, 1)]
    lengths = {0, 1, 31, 32, 33, len(torn.wal), *near, *chance.sample(range(len(torn.wal)), 30)}
    seen = set()
    for length in sorted(value for value in lengths if 0 <= value <= len(torn.wal)):
        size = reopened(torn, tmp_path / "torn", torn.wal[:length])
        assert size is not None
        assert size >= torn.durable_at(length)
        seen.add(size)
    assert len(seen) > 10


def test_a_log_file_with_a_damaged_byte_is_never_taken_for_another_tree(torn: Torn, tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(25):
        at = chance.randrange(len(torn.wal))
        damaged = bytearray(torn.wal)
        damaged[at] ^= 1 << chance.randrange(8)
        size = reopened(torn, tmp_path / "damaged", bytes(damaged))
        assert size is None or size >= torn.durable_at(at)
