"""A world without models: pictures that say who is on them, a guard that believes them, and a server on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import boto3
import uvicorn
from botocore.config import Config

from countenance.api import rekognition
from countenance.errors import AlreadyExists, Conflict, DamagedImage, NoFace, NoSuchFace, NotFound, UnsupportedImage
from countenance.faces import (
    BoundingBox,
    Candidate,
    DetectedFace,
    EnrolledFace,
    Landmarks,
    ModelId,
    Point,
    Pose,
    Quality,
)
from countenance.operations import (
    Answer,
    Associate,
    Compare,
    Compared,
    CreateGallery,
    CreateUser,
    DeleteGallery,
    DeleteUser,
    DescribeGallery,
    Detect,
    Detected,
    Disassociate,
    Enrol,
    Enrolled,
    Erase,
    Erased,
    FacePage,
    GalleryInfo,
    Image,
    ListFaces,
    ListGalleries,
    ListUsers,
    Page,
    QualityFilter,
    Reason,
    Reassigned,
    Refusal,
    SearchAnswer,
    SearchByFace,
    SearchByImage,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    User,
    UserMatch,
    UserSearchAnswer,
    content_of,
)
from countenance.operations.search import NO_FACE

ACCESS_KEY = "AKFAKE000000"
SECRET = "a secret of the tests"
REGION = "eu-test-1"
JPEG = b"\xff\xd8\xff"
MODEL = ModelId("ab" * 32)
VERSION = "1.0"


def picture(*people: str) -> bytes:
    """A "JPEG" with one face for each name, the first the largest."""
    return JPEG + json.dumps(people).encode()


def face_of(person: str, rank: int) -> DetectedFace:
    box = BoundingBox(0.1, 0.1, 0.5 / (rank + 1), 0.5 / (rank + 1))
    point = Point(0.3, 0.4)
    good = "blurred" not in person
    return DetectedFace(
        box,
        Landmarks(Point(0.2, 0.3), Point(0.4, 0.3), point, Point(0.2, 0.5), Point(0.4, 0.5)),
        Pose(1.5, -2.5, 3.5),
        Quality(60.0 if good else 1.0, 70.0, 90.0),
        99.5,
    )


def people_in(picture: Image) -> list[str]:
    image = content_of(picture)
    if not image.startswith(JPEG):
        raise UnsupportedImage("neither JPEG nor PNG")
    try:
        people: list[str] = json.loads(image[3:])
    except ValueError as error:
        raise DamagedImage("the picture cannot be read") from error
    return people


@dataclass
class FakeGuard:
    """Carries out every operation on dictionaries; `asked` is what it was asked, `fail` is raised instead."""

    galleries: dict[str, list[tuple[EnrolledFace, str]]] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    fail: Exception | None = None
    wait: threading.Event | None = None
    made: int = 0
    version: str = VERSION
    users: dict[str, list[str]] = field(default_factory=dict)

    def carry_out(self, caller: Any, ask: Any) -> Any:
        self.asked.append((caller, ask))
        if self.wait is not None:
            assert self.wait.wait(30)
        if self.fail is not None:
            raise self.fail
        result = getattr(self, type(ask).__name__)(ask)
        return Answer(result, f"receipt-{len(self.asked)}", {"x-countenance-note": "noted"})

    def _faces(self, gallery_id: str) -> list[tuple[EnrolledFace, str]]:
        if gallery_id not in self.galleries:
            raise NotFound(f"there is no gallery {gallery_id!r}")
        return self.galleries[gallery_id]

    def _info(self, gallery_id: str) -> GalleryInfo:
        made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        return GalleryInfo(
            gallery_id, MODEL, self.version, len(self._faces(gallery_id)), len(self._of(gallery_id)), made
        )

    def CreateGallery(self, ask: CreateGallery) -> GalleryInfo:
        if ask.gallery_id in self.galleries:
            raise AlreadyExists(f"there is a gallery {ask.gallery_id!r}")
        self.galleries[ask.gallery_id] = []
        return self._info(ask.gallery_id)

    def DescribeGallery(self, ask: DescribeGallery) -> GalleryInfo:
        return self._info(ask.gallery_id)

    def ListGalleries(self, ask: ListGalleries) -> Page[GalleryInfo]:
        ids = sorted(gallery_id for gallery_id in self.galleries if gallery_id > (ask.after or ""))
        more = len(ids) > ask.limit
        ids = ids[: ask.limit]
        return Page(tuple(map(self._info, ids)), ids[-1] if more else None)

    def DeleteGallery(self, ask: DeleteGallery) -> None:
        self._faces(ask.gallery_id)
        del self.galleries[ask.gallery_id]
        self.users.pop(ask.gallery_id, None)

    def Enrol(self, ask: Enrol) -> Enrolled:
        gallery = self._faces(ask.gallery_id)
        kept: list[tuple[EnrolledFace, DetectedFace]] = []
        left: list[tuple[DetectedFace, tuple[str, ...]]] = []
        for rank, person in enumerate(people_in(ask.image)):
            seen = face_of(person, rank)
            if ask.quality is not QualityFilter.NONE and seen.quality.sharpness < 2:
                left.append((seen, ("LOW_SHARPNESS",)))
            elif ask.max_faces is not None and len(kept) >= ask.max_faces:
                left.append((seen, ("EXCEEDS_MAX_FACES",)))
            else:
                self.made += 1
                face_id, image_id = str(UUID(int=self.made)), str(UUID(int=10**6))
                face = EnrolledFace(face_id, image_id, ask.external_id, seen.box, seen.confidence, MODEL)
                gallery.append((face, person))
                kept.append((face, seen))
        return Enrolled(tuple(kept), tuple(left), self.version)

    def ListFaces(self, ask: ListFaces) -> FacePage:
        faces = [face for face, _ in self._faces(ask.gallery_id)]
        faces = [face for face in faces if ask.face_ids is None or face.face_id in ask.face_ids]
        if ask.user_id is not None:
            faces = [face for face in faces if face.user_id == self._user(ask.gallery_id, ask.user_id)]
        start = int(ask.after or 0)
        rest = faces[start : start + ask.limit]
        return FacePage(tuple(rest), str(start + ask.limit) if start + ask.limit < len(faces) else None, self.version)

    def Erase(self, ask: Erase) -> Erased:
        gallery = self._faces(ask.gallery_id)
        owner = {face.face_id: face.user_id for face, _ in gallery}
        deleted = [face_id for face_id in ask.face_ids if owner.get(face_id, "") is None]
        gallery[:] = [pair for pair in gallery if pair[0].face_id not in deleted]
        return Erased(
            tuple(deleted),
            tuple(face_id for face_id in ask.face_ids if face_id not in owner),
            owned=tuple((face_id, user_id) for face_id in ask.face_ids if (user_id := owner.get(face_id))),
        )

    def SearchByFace(self, ask: SearchByFace) -> SearchAnswer:
        people = {face.face_id: person for face, person in self._faces(ask.gallery_id)}
        if ask.face_id not in people:
            raise NoSuchFace("there is no face of that id")
        return self._found(ask, people[ask.face_id], ask.face_id)

    def SearchByImage(self, ask: SearchByImage) -> SearchAnswer:
        self._faces(ask.gallery_id)
        people = people_in(ask.image)
        if not people:
            raise NoFace(NO_FACE)
        return self._found(ask, people[0], None, face_of(people[0], 0))

    def _found(self, ask: Any, person: str, exclude: str | None, probe: DetectedFace | None = None) -> SearchAnswer:
        rated = [
            Candidate(face, 0.9, self._similarity(person, other), 1e-5)
            for face, other in self._faces(ask.gallery_id)
            if face.face_id != exclude
        ]
        rated = sorted((c for c in rated if c.similarity >= ask.similarity), key=lambda c: -c.similarity)
        return SearchAnswer(tuple(rated[: ask.limit]), len(self._faces(ask.gallery_id)), 0.5, self.version, probe)

    def Compare(self, ask: Compare) -> Compared:
        source, target = people_in(ask.source), people_in(ask.target)
        if not source or not target:
            raise NoFace(NO_FACE)
        rated = [(face_of(p, n), self._similarity(source[0], p)) for n, p in enumerate(target)]
        matches = tuple(pair for pair in rated if pair[1] >= ask.similarity)
        return Compared(face_of(source[0], 0), matches, tuple(f for f, rate in rated if rate < ask.similarity))

    def Detect(self, ask: Detect) -> Detected:
        return Detected(tuple(face_of(p, n) for n, p in enumerate(people_in(ask.image))), 640, 480)

    def _of(self, gallery_id: str) -> list[str]:
        self._faces(gallery_id)
        return self.users.setdefault(gallery_id, [])

    def _user(self, gallery_id: str, user_id: str) -> str:
        if user_id not in self._of(gallery_id):
            raise NotFound("there is no user of that id")
        return user_id

    def _assign(self, gallery_id: str, face_ids: Any, user_id: str | None) -> None:
        gallery = self._faces(gallery_id)
        gallery[:] = [
            (replace(face, user_id=user_id) if face.face_id in face_ids else face, who) for face, who in gallery
        ]

    def _size(self, gallery_id: str, user_id: str) -> int:
        return sum(face.user_id == user_id for face, _ in self._faces(gallery_id))

    def CreateUser(self, ask: CreateUser) -> None:
        if ask.user_id in self._of(ask.gallery_id):
            raise Conflict("there is a user of that id")
        self._of(ask.gallery_id).append(ask.user_id)

    def DeleteUser(self, ask: DeleteUser) -> None:
        self._of(ask.gallery_id).remove(self._user(ask.gallery_id, ask.user_id))
        theirs = [face.face_id for face, _ in self._faces(ask.gallery_id) if face.user_id == ask.user_id]
        self._assign(ask.gallery_id, theirs, None)

    def ListUsers(self, ask: ListUsers) -> Page[User]:
        every = [User(each, self._size(ask.gallery_id, each)) for each in self._of(ask.gallery_id)]
        start = int(ask.after or 0)
        more = start + ask.limit < len(every)
        return Page(tuple(every[start : start + ask.limit]), str(start + ask.limit) if more else None)

    def Associate(self, ask: Associate) -> Reassigned:
        return self._reassign(ask, None, self._user(ask.gallery_id, ask.user_id))

    def Disassociate(self, ask: Disassociate) -> Reassigned:
        return self._reassign(ask, self._user(ask.gallery_id, ask.user_id), None)

    def _reassign(self, ask: Any, now: str | None, then: str | None) -> Reassigned:
        owner = {face.face_id: face.user_id for face, _ in self._faces(ask.gallery_id)}
        done = [face_id for face_id in ask.face_ids if face_id in owner and owner[face_id] == now]
        refused = [Refusal(face_id, Reason.NOT_FOUND) for face_id in ask.face_ids if face_id not in owner]
        others = [face_id for face_id in ask.face_ids if owner.get(face_id) not in (None, ask.user_id)]
        refused += [Refusal(face_id, Reason.OTHER_USER, owner[face_id]) for face_id in others]
        if isinstance(ask, Associate) and ask.similarity > 99:  # nobody is so like anybody here
            refused += [Refusal(face_id, Reason.UNLIKE, similarity=99.0) for face_id in done]
            done = []
        self._assign(ask.gallery_id, done, then)
        return Reassigned(tuple(done), tuple(refused), self._size(ask.gallery_id, ask.user_id))

    def SearchUsersByFace(self, ask: SearchUsersByFace) -> UserSearchAnswer:
        people = {face.face_id: person for face, person in self._faces(ask.gallery_id)}
        if ask.face_id not in people:
            raise NoSuchFace("there is no face of that id")
        return self._found_users(ask, people[ask.face_id])

    def SearchUsersByUser(self, ask: SearchUsersByUser) -> UserSearchAnswer:
        self._user(ask.gallery_id, ask.user_id)
        theirs = [person for face, person in self._faces(ask.gallery_id) if face.user_id == ask.user_id]
        return self._found_users(ask, theirs[0] if theirs else None, ask.user_id)

    def SearchUsersByImage(self, ask: SearchUsersByImage) -> UserSearchAnswer:
        self._faces(ask.gallery_id)
        people = people_in(ask.image)
        seen = [face_of(person, rank) for rank, person in enumerate(people)]
        left = tuple((face, ("FACE_NOT_LARGEST",)) for face in seen[1:])
        found = self._found_users(ask, people[0] if people else None)
        return replace(found, probe=seen[0] if seen else None, unsearched=left)

    def _found_users(self, ask: Any, person: str | None, exclude: str | None = None) -> UserSearchAnswer:
        best: dict[str, float] = {}
        for face, other in self._faces(ask.gallery_id):
            if person is not None and face.user_id is not None and face.user_id != exclude:
                best[face.user_id] = max(best.get(face.user_id, 0.0), self._similarity(person, other))
        rated = sorted((rate, user_id) for user_id, rate in best.items() if rate >= ask.similarity)[::-1]
        users = [UserMatch(user_id, 1, 0.9, 1e-5, rate) for rate, user_id in rated]
        return UserSearchAnswer(tuple(users[: ask.limit]), len(self._of(ask.gallery_id)), 0.5, self.version)

    @staticmethod
    def _similarity(one: str, other: str) -> float:
        return 99.5 if one == other else 90.0 if one[0] == other[0] else 40.0


class FakeCredentials:
    """One key."""

    def secret_of(self, access_key: str) -> str | None:
        return SECRET if access_key == ACCESS_KEY else None


@contextmanager
def serving(
    guard: Any,
    *,
    credentials: Any = None,
    threads: int = 4,
    http: str = "httptools",
    wrap: Callable[[Any], Any] = lambda app: app,
    **options: Any,
) -> Iterator[str]:
    """A real uvicorn on a free port of loopback, as long as the context lasts; its URL. wrap: goes round the app."""
    executor = ThreadPoolExecutor(threads)
    given = {
        "region": REGION,
        "objects": rekognition.Objects({}),
        "page_key": b"k" * 32,
        "now": lambda: datetime.now(UTC),
        "executor": executor,
        **options,
    }
    app = rekognition.app(guard, credentials or FakeCredentials(), **given)
    config = uvicorn.Config(wrap(app), host="127.0.0.1", port=0, log_level="warning", http=http)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        executor.shutdown(wait=False, cancel_futures=True)


def boto_client(
    url: str, *, key: str = ACCESS_KEY, secret: str = SECRET, region: str = REGION, attempts: int = 1, **more: Any
) -> Any:
    """boto3's own Rekognition client; one attempt only, so that a test sees the first answer."""
    config = Config(retries={"total_max_attempts": attempts}, read_timeout=30, proxies={})
    return boto3.session.Session().client(
        "rekognition",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
        **more,
    )
