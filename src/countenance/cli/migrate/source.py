"""What a service in the cloud tells of its galleries: names, ids and places of faces. Never a template or a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from countenance.audit.sources.live.cassette import RecordedReply
from countenance.audit.sources.live.live_source import Service
from countenance.operations import GroupProfile, Place


@dataclass(frozen=True, slots=True)
class SourceFace:
    """A face as the service lists it.

    face_id: the service's. external_id: what its user wrote beside it (Azure: userData of the face). user: the id of
    the user or person that it belongs to. picture: the service's id of the picture that it came from. place: in it.
    """

    face_id: str
    external_id: str | None = None
    user: str | None = None
    picture: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class SourceUser:
    """A user, or a person of a group. called, data: of a person."""

    user_id: str
    called: str = ""
    data: str | None = None


@dataclass(frozen=True, slots=True)
class SourceGallery:
    """A collection, group or list. profile: what Azure's have and Rekognition's do not."""

    name: str
    faces: tuple[SourceFace, ...]
    users: tuple[SourceUser, ...]
    profile: GroupProfile | None = None

    def user(self, user_id: str) -> SourceUser:
        """The user of that id."""
        return next((user for user in self.users if user.user_id == user_id), SourceUser(user_id))


class CloudSource(Protocol):
    """A service that galleries come from. Errors are those of `Service`; NotFound: a gallery that it does not have.

    word: its name in records. address: where it is asked. calls: made for lists so far. asker: compares two pictures.
    detects_first: whether a comparison needs the handles of detections.
    """

    word: str
    address: str
    calls: int
    detects_first: bool

    @property
    def asker(self) -> Service:
        """Asks about pictures."""

    def names(self) -> tuple[str, ...]:
        """Every gallery."""

    def read(self, name: str) -> SourceGallery:
        """One gallery with all its faces and users."""

    def search(self, gallery: SourceGallery, image: bytes, threshold: float) -> RecordedReply:
        """Search a gallery for the largest face. token of the answer: the best face's id, or in groups the person's.

        threshold, score: 0..100; of Azure 100 times the confidence.
        """

    def calls_of(self, pairs: int, pictures: int, searches: int) -> int:
        """How many calls `pairs` comparisons among `pictures` different pictures and `searches` searches take."""
