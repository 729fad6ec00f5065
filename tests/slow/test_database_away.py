"""PostgreSQL dies under load and is back after ten seconds: two servers refuse meanwhile and go on by themselves."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import pytest
from botocore.exceptions import ClientError
from tests.fakes.postgres import NO_SERVER, postgres_server, programs
from tests.integration.engine.astronaut import ASTRONAUT
from tests.integration.serving import Live, grant, opened, serving

from countenance.ledger import Receipt, Records, verify_records

pytestmark = [pytest.mark.slow, pytest.mark.hardening, pytest.mark.timeout(900)]
AWAY_S = 10
TURNS = 4
"""Answers that each caller waits for before and after."""


@dataclass
class Caller:
    """Compares two pictures again and again. answers: receipts of what was answered. refused: HTTP status and code."""

    client: Any
    picture: bytes
    answers: list[str] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    other: list[BaseException] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        image = {"Bytes": self.picture}
        while not self.ending.is_set():
            try:
                answer = self.client.compare_faces(SourceImage=image, TargetImage=image)
                self.answers.append(answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-receipt"])
            except ClientError as error:
                told = error.response["Error"]
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                self.refused.append((status, told["Code"], told["Message"]))
                time.sleep(0.2)
            except Exception as error:
                self.other.append(error)

    def answered(self, number: int) -> None:
        end = time.monotonic() + 200
        while len(self.answers) < number and time.monotonic() < end:
            time.sleep(0.1)
        assert len(self.answers) >= number, (self.refused[-1:], self.other[-1:])


def callers_of(servers: list[Live], picture: bytes) -> tuple[list[Caller], list[threading.Thread]]:
    key = grant(servers[0].environment)
    callers = [Caller(live.client(key), picture) for live in servers for _ in range(2)]
    return callers, [threading.Thread(target=caller.run) for caller in callers]


def test_what_was_answered_is_on_record_and_charged_once_and_both_servers_recover(tmp_path: Path) -> None:
    if programs() is None:
        pytest.skip(NO_SERVER)
    picture = cv2.imencode(".jpg", ASTRONAUT)[1].tobytes()
    with postgres_server(fsync=True) as database:
        more = {"COUNTENANCE_DATABASE": database.new_database("empty")}
        with serving(tmp_path / "home", **more) as one, serving(tmp_path / "home", **more) as other:
            callers, threads = callers_of([one, other], picture)
            for thread in threads:
                thread.start()
            for caller in callers:
                caller.answered(TURNS)
            database.stop(at_once=True)
            time.sleep(AWAY_S)
            database.start()
            before = [len(caller.answers) for caller in callers]
            for caller, number in zip(callers, before, strict=True):
                caller.answered(number + TURNS)  # with nobody's help
                caller.ending.set()
            for thread in threads:
                thread.join()
            answers = [answer for caller in callers for answer in caller.answers]
            refused = {each for caller in callers for each in caller.refused}
            assert [each for caller in callers for each in caller.other] == []
            assert {(status, code) for status, code, _ in refused} <= {(500, "InternalServerError")}
            assert refused
            assert not any("postgres" in said or "/" in said for _, _, said in refused)
        with opened(one.environment) as app:
            app.check_state()
            records = Records(app.database)
            assert verify_records(records).findings == []
            receipts = [Receipt.parse(answer) for answer in answers]
            assert len({receipt.index for receipt in receipts}) == len(receipts)
            rows = {row.sequence: row.leaf_hash for row in records.stored()}
            assert all(rows[receipt.index] == receipt.leaf_hash for receipt in receipts)
            charged = [head for e in records.entries() if isinstance(head := e.fields.get("charged"), str)]
            assert len(charged) == len(set(charged)) >= len(answers)
            (mandate,) = app.register.list()
            spent = app.budgets.budget(mandate).day - app.budgets.state(mandate).day
            assert spent >= len(answers)
