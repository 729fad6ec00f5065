"""Faces that were detected but not enrolled: their templates, kept in memory only, for the time requested.

A face id is random and valid only for the mandate under which it was made. Nothing is written to the disk, so a restart
forgets all of them; each is also forgotten when its time is over.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from countenance.errors import NoSuchDetectedFace
from countenance.faces import Template

MOST = 200_000
"""The most faces kept at once; one with 128 numbers takes about a kilobyte."""
MOST_OF_ONE = 20_000
"""The most faces of one mandate. Beyond either limit, the oldest face of the mandate with most faces is dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    template: Template
    until: datetime


class KeptFaces:
    """Safe to use from several threads; of one process. now: the clock, UTC. new_id: makes ids nobody can guess."""

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        self._now = now
        self._new_id = new_id
        self._most = most
        self._most_of_one = most_of_one
        self._lock = Lock()
        self._by_mandate: dict[str, OrderedDict[str, _Kept]] = {}
        self._count = 0
        self._swept = now()

    def __len__(self) -> int:
        return self._count

    def keep(self, mandate_id: str, templates: Sequence[Template], seconds: int) -> tuple[str, ...]:
        """Keep templates for that time under that mandate; returns their face ids in the same order."""
        now = self._now()
        with self._lock:
            self._sweep(now)
            mine = self._by_mandate.setdefault(mandate_id, OrderedDict())
            ids = []
            for template in templates:
                if len(mine) >= self._most_of_one:
                    self._drop_oldest(mandate_id)
                elif self._count >= self._most:
                    self._drop_oldest(max(self._by_mandate, key=lambda each: len(self._by_mandate[each])))
                ids.append(self._new_id())
                mine[ids[-1]] = _Kept(template, now + timedelta(seconds=seconds))
                self._count += 1
            return tuple(ids)

    def template(self, mandate_id: str, face_id: str) -> Template:
        """The template of a face; `NoSuchDetectedFace` if its time is over, or it was kept under another mandate."""
        with self._lock:
            mine = self._by_mandate.get(mandate_id)
            kept = None if mine is None else mine.get(face_id)
        if kept is None or kept.until <= self._now():
            raise NoSuchDetectedFace("no detected face of that id is kept for this caller; its time may be over")
        return kept.template

    def templates(self, mandate_id: str, face_ids: Sequence[str]) -> list[Template]:
        """The templates of several faces, in that order; `NoSuchDetectedFace` as `template`."""
        return [self.template(mandate_id, face_id) for face_id in face_ids]

    def sweep(self) -> None:
        """Forget every face whose time is over."""
        with self._lock:
            self._sweep(self._now(), at_once=True)

    def _sweep(self, now: datetime, at_once: bool = False) -> None:
        if not at_once and now - self._swept < timedelta(seconds=1):
            return
        self._swept = now
        for mandate_id, mine in list(self._by_mandate.items()):
            for face_id in [face_id for face_id, kept in mine.items() if kept.until <= now]:
                del mine[face_id]
                self._count -= 1
            if not mine:
                del self._by_mandate[mandate_id]

    def _drop_oldest(self, mandate_id: str) -> None:
        self._by_mandate[mandate_id].popitem(last=False)
        self._count -= 1
