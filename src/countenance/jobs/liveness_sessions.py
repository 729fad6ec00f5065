"""Liveness sessions in the one database: their mandate, their outside check, and what that check signed. A result
counts only with the check's signature, which is verified at every reading: write access to the database is not enough
to pass anybody. Rows are bound to the ledger, so that none is given to another mandate and none takes a second result.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded, bound_row, bound_rows
from countenance.database import Transaction, reading_once
from countenance.errors import Conflict, NoSuchSession, NotAsRecorded, TooManyJobs
from countenance.gallery.paging import microseconds, moment
from countenance.jobs.tables import liveness_sessions

_TRIES = 3  # of a look-up whose row is being changed
LASTS = timedelta(minutes=3)
"""How long a session waits for its result, as Rekognition's do."""
KEPT = timedelta(hours=24)
"""How long a session is kept."""
MOST_SESSIONS = 1000
"""The most sessions of one mandate that are kept at once."""


@dataclass(frozen=True, slots=True)
class LivenessSession:
    """One session. ends_at: until when its result is taken, UTC. statement: what was signed; None before."""

    session_id: str
    mandate_id: str
    check_id: str
    made_at: datetime
    statement: bytes | None = None
    signature: bytes | None = None

    @property
    def ends_at(self) -> datetime:
        """Until when its result is taken."""
        return self.made_at + LASTS


class LivenessSessions:
    """Sessions by id. now: the clock, UTC. recorder: records changes of rows; without it none are recorded."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], recorder: Recorder | None = None) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self.now = now

    def create(self, mandate_id: str, check_id: str, token: str | None) -> LivenessSession:
        """A new session, or the one that the mandate's `token` made earlier; sessions older than `KEPT` are deleted.

        `TooManyJobs` beyond `MOST_SESSIONS` of the mandate.
        """
        now = self.now()
        hashed = None if token is None else hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        columns = liveness_sessions.c

        def work(transaction: Transaction) -> BoundChange[LivenessSession]:
            connection, old = transaction.connection, columns.made_us < microseconds(now - KEPT)
            unmade = bound_rows(connection, liveness_sessions, old)
            connection.execute(sa.delete(liveness_sessions).where(old))
            theirs = connection.execute(sa.select(liveness_sessions).where(columns.mandate_id == mandate_id)).all()
            for row in theirs:
                if hashed is not None and row.token == hashed:
                    return BoundChange(_session(row), unmade=unmade)
            if len(theirs) >= MOST_SESSIONS:
                raise TooManyJobs(f"a mandate has at most {MOST_SESSIONS} liveness sessions in 24 hours")
            session_id, made_us = str(uuid.uuid4()), microseconds(now)
            connection.execute(
                sa.insert(liveness_sessions).values(
                    session_id=session_id, mandate_id=mandate_id, check_id=check_id, token=hashed, made_us=made_us
                )
            )
            made = bound_rows(connection, liveness_sessions, columns.session_id == session_id)
            session = LivenessSession(session_id, mandate_id, check_id, moment(made_us))
            return BoundChange(session, made=made, unmade=unmade)

        return self._recorder.change(work)

    def show(self, session_id: str) -> LivenessSession:
        """The session with that id; `NoSuchSession` if there is none, or it was deleted. `NotAsRecorded` if its row
        differs from the record.
        """
        since = microseconds(self.now() - KEPT)
        columns = liveness_sessions.c
        query = sa.select(liveness_sessions).where(columns.session_id == session_id, columns.made_us >= since)
        for _ in range(_TRIES):
            with reading_once(self._engine) as connection:
                row = connection.execute(query).one_or_none()
            if row is None:
                raise NoSuchSession("There is no such session, or it is too long ago.")
            if not self._recorder.differing([bound_row(liveness_sessions, row)], once=True):
                return _session(row)
        raise NotAsRecorded("this session is not as the ledger recorded it, and its result counts for nothing")

    def take(self, session_id: str, statement: bytes, signature: bytes) -> None:
        """Store the signed result of a session; `Conflict` if it has one already."""
        this = liveness_sessions.c.session_id == session_id

        def work(transaction: Transaction) -> BoundChange[None]:
            connection = transaction.connection
            before = bound_rows(connection, liveness_sessions, this & liveness_sessions.c.statement.is_(None))
            if not before:
                raise Conflict("this session has its result already")
            connection.execute(
                sa.update(liveness_sessions).where(this).values(statement=statement, signature=signature)
            )
            return BoundChange(None, made=bound_rows(connection, liveness_sessions, this), unmade=before)

        self._recorder.change(work)


def liveness_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All sessions, for comparison with what was recorded."""
    for row in connection.execute(sa.select(liveness_sessions)):
        yield bound_row(liveness_sessions, row), f"liveness_sessions, row {row.session_id!r}: the session"


def _session(row: Any) -> LivenessSession:
    made = moment(row.made_us)
    return LivenessSession(row.session_id, row.mandate_id, row.check_id, made, row.statement, row.signature)
