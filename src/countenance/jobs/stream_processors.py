"""Stream processors in the one database: descriptions of live searches, by mandate. None of them runs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from countenance.database import changing, reading_once
from countenance.errors import InUse, NotFound, TooManyJobs
from countenance.gallery.answers import Page
from countenance.gallery.paging import microseconds, moment, page_size, place
from countenance.jobs.tables import stream_processors
from countenance.signing import JSON

MOST_PROCESSORS = 100
"""The most stream processors of one mandate."""


@dataclass(frozen=True, slots=True)
class StreamProcessor:
    """One stream processor. description: its input, output, settings and so on, as they were sent. Times are UTC."""

    name: str
    description: Mapping[str, JSON]
    made_at: datetime
    changed_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


class StreamProcessors:
    """Stream processors by mandate and name. now: the clock, UTC."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def create(self, mandate_id: str, name: str, description: Mapping[str, JSON], tags: Mapping[str, str]) -> None:
        """Store it; `InUse` if the mandate has one of that name, `TooManyJobs` beyond `MOST_PROCESSORS`."""
        theirs = stream_processors.c.mandate_id == mandate_id
        with changing(self._engine) as connection:
            names = connection.execute(sa.select(stream_processors.c.name).where(theirs)).scalars().all()
            if name in names:
                raise InUse("there is a stream processor of that name already")
            if len(names) >= MOST_PROCESSORS:
                raise TooManyJobs(f"a mandate has at most {MOST_PROCESSORS} stream processors")
            now = microseconds(self._now())
            connection.execute(
                sa.insert(stream_processors).values(
                    mandate_id=mandate_id,
                    name=name,
                    description=dict(description),
                    tags=dict(tags),
                    made_us=now,
                    changed_us=now,
                )
            )

    def describe(self, mandate_id: str, name: str) -> StreamProcessor:
        """The stream processor of that name; `NotFound` if the mandate has none."""
        with reading_once(self._engine) as connection:
            return _processor(_row(connection, mandate_id, name))

    def find(self, mandate_id: str, name: str) -> StreamProcessor | None:
        """As `describe`, or None."""
        try:
            return self.describe(mandate_id, name)
        except NotFound:
            return None

    def list(self, mandate_id: str, after: str | None, limit: int) -> Page[StreamProcessor]:
        """At most `limit` of the mandate's, oldest first. `BadPageToken` if `after` is not one of this method's."""
        columns = stream_processors.c
        query = (
            sa.select(stream_processors)
            .where(columns.mandate_id == mandate_id, columns.number > place(after))
            .order_by(columns.number)
            .limit(page_size(limit) + 1)
        )
        with reading_once(self._engine) as connection:
            rows = connection.execute(query).all()
        more = str(rows[limit - 1].number) if len(rows) > limit else None
        return Page(tuple(_processor(row) for row in rows[:limit]), more)

    def update(self, mandate_id: str, name: str, change: Callable[[dict[str, JSON]], None]) -> None:
        """Let `change` alter the description; `NotFound` if the mandate has none of that name."""
        with changing(self._engine) as connection:
            row = _row(connection, mandate_id, name)
            description = dict(row.description)
            change(description)
            values = {"description": description, "changed_us": microseconds(self._now())}
            same = stream_processors.c.number == row.number
            connection.execute(sa.update(stream_processors).where(same).values(values))

    def change_tags(self, mandate_id: str, name: str, change: Callable[[dict[str, str]], None]) -> None:
        """Let `change` alter the tags; `NotFound` if the mandate has none of that name."""
        with changing(self._engine) as connection:
            row = _row(connection, mandate_id, name)
            tags = dict(row.tags)
            change(tags)
            same = stream_processors.c.number == row.number
            connection.execute(sa.update(stream_processors).where(same).values(tags=tags))

    def delete(self, mandate_id: str, name: str) -> None:
        """Delete it; `NotFound` if the mandate has none of that name."""
        with changing(self._engine) as connection:
            row = _row(connection, mandate_id, name)
            connection.execute(sa.delete(stream_processors).where(stream_processors.c.number == row.number))


def _row(connection: sa.Connection, mandate_id: str, name: str) -> Any:
    columns = stream_processors.c
    query = sa.select(stream_processors).where(columns.mandate_id == mandate_id, columns.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("there is no stream processor of that name under this mandate")
    return row


def _processor(row: Any) -> StreamProcessor:
    return StreamProcessor(row.name, row.description, moment(row.made_us), moment(row.changed_us), row.tags)
