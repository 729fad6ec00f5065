"""Pictures that were sent but not yet searched with: in memory only, for minutes, for their sender."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from countenance.casework import VideoSight
from countenance.errors import NotFound
from countenance.faces import DetectedFace

KEPT = timedelta(minutes=15)
_MOST, _MOST_BYTES = 32, 64 * 2**20


@dataclass(frozen=True, slots=True)
class PendingPicture:
    """A picture and the faces in it, largest first. of: the case and the operator to whom it belongs. cropped: which
    part of the picture that was sent; empty for the whole. seen_in: of a person of a video.
    """

    picture_id: str
    of: tuple[str, str]
    content: bytes
    faces: tuple[DetectedFace, ...]
    at: datetime
    cropped: str = ""
    seen_in: VideoSight | None = None


class PendingPictures:
    """At most 32 pictures and 64 MiB; the oldest is dropped first. now: the clock, UTC."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._held: OrderedDict[str, PendingPicture] = OrderedDict()
        self._lock = Lock()

    def keep(
        self,
        of: tuple[str, str],
        content: bytes,
        faces: tuple[DetectedFace, ...],
        cropped: str = "",
        seen_in: VideoSight | None = None,
    ) -> PendingPicture:
        """Keep a picture for 15 minutes."""
        picture_id = secrets.token_urlsafe(16)
        made = PendingPicture(picture_id, of, content, faces, self._now(), cropped, seen_in)
        with self._lock:
            self._held[made.picture_id] = made
            while len(self._held) > _MOST or sum(len(each.content) for each in self._held.values()) > _MOST_BYTES:
                self._held.popitem(last=False)
        return made

    def get(self, picture_id: str, of: tuple[str, str]) -> PendingPicture:
        """The picture, or `NotFound`."""
        self.sweep()
        with self._lock:
            pending = self._held.get(picture_id)
        if pending is None or pending.of != of:
            raise NotFound("the picture is no longer here: it is kept for 15 minutes only; send it again")
        return pending

    def forget(self, picture_id: str) -> None:
        """Forget a picture that was searched with."""
        with self._lock:
            self._held.pop(picture_id, None)

    def sweep(self) -> None:
        """Forget what is too old."""
        before = self._now() - KEPT
        with self._lock:
            for old in [key for key, each in self._held.items() if each.at <= before]:
                del self._held[old]
