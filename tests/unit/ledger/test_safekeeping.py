"""What left for safekeeping is on record: backups, and checkpoints that others hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.fakes.clock import Clock

from countenance.errors import NotRecorded
from countenance.ledger import Ledger, Safekeeping
from countenance.ledger.safekeeping import BACKUP, CHECKPOINT, ENTERED_EVERY


def kinds(ledger: Ledger) -> list[str]:
    return [entry.kind for entry in ledger.entries()]


def test_nothing_is_said_of_what_never_left(ledger: Ledger) -> None:
    kept = Safekeeping(ledger)
    assert (kept.last_backup, kept.last_checkpoint) == (None, None)
    kept.enter_backup(0)
    assert kept.give_checkpoint().size == ledger.size
    assert not {BACKUP, CHECKPOINT} & set(kinds(ledger))


def test_the_newest_backup_is_found_by_every_process(ledger: Ledger, clock: Clock) -> None:
    ledger.append({"kind": "note", "text": '"kind":"backup"'}).wait()
    here, there = Safekeeping(ledger), Safekeeping(ledger)
    assert here.last_backup is None
    for entries in (2, 3):
        clock.now += timedelta(days=1)
        there.enter_backup(entries)
        found = here.last_backup
        assert found is not None
        assert (found.at, found.entries) == (clock.now, entries)


def test_a_checkpoint_that_is_given_out_covers_the_entry_that_says_so_and_monitors_add_none(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.append({"kind": "note"}).wait()
    kept = Safekeeping(ledger)
    first = kept.give_checkpoint()
    assert first.size == ledger.size and kinds(ledger)[-1] == CHECKPOINT
    for _ in range(3):
        assert kept.give_checkpoint().size == first.size
    clock.now += ENTERED_EVERY - timedelta(seconds=1)
    ledger.append({"kind": "note"}).wait()
    assert kept.give_checkpoint().size == first.size + 1 and kinds(ledger).count(CHECKPOINT) == 1
    clock.now += timedelta(seconds=1)
    ledger.append({"kind": "note"}).wait()
    last = kept.give_checkpoint()
    assert kinds(ledger).count(CHECKPOINT) == 2
    held = Safekeeping(ledger).last_checkpoint
    assert held is not None
    assert (held.at, held.entries) == (clock.now, last.size)


def test_a_checkpoint_is_given_out_though_nothing_can_be_recorded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append({"kind": "note"}).wait()
    size = ledger.size

    def refuse(*_: object) -> None:
        raise NotRecorded("the disk is full")

    monkeypatch.setattr(ledger, "append", refuse)
    assert Safekeeping(ledger).give_checkpoint().size == size
