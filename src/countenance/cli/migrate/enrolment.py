"""One gallery of the source, enrolled here: resumed where it was interrupted, and once however often it is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from countenance.app import Countenance
from countenance.cli.enrol.ahead import ahead
from countenance.cli.enrol.log import Dealt, EnrolmentLog
from countenance.cli.enrol.users import GalleryUsers
from countenance.cli.migrate.matching import Item, Matched
from countenance.cli.migrate.source import CloudSource, SourceGallery, SourceUser
from countenance.errors import AlreadyExists, Conflict, ImageError, LimitExceeded, NoFace, NoSuchObject, NotFound
from countenance.faces import EnrolledFace
from countenance.operations import (
    Caller,
    CreateGallery,
    CreateGroup,
    CreatePerson,
    EnrolFace,
    EnrolOne,
    GroupKind,
    ListPersons,
    QualityFilter,
    ReadGroup,
)
from countenance.progress import track

UNUSABLE = "unusable picture"
LIMIT = "no room"
UNLIKE = "not given to its user"
ERASED = "erased since"
_PERSON = "person"
_ASKED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a face. face_id: here; empty where it was not enrolled. reason, detail: why, or why no user."""

    gallery: str
    source_face: str
    external_id: str
    source_user: str
    picture: str
    reason: str
    detail: str
    face_id: str
    user: str


class GalleryMove:
    """One gallery on its way. `run` enrols; `outcomes`, `people` and `label` tell what came of it."""

    def __init__(
        self, app: Countenance, caller: Caller, source: CloudSource, gallery: SourceGallery, quality: QualityFilter
    ) -> None:
        self._app, self._caller, self._source, self._from, self._quality = app, caller, source, gallery, quality
        self._users = GalleryUsers(app.guard, caller, gallery.name)
        self.people: dict[str, str] = {}

    def run(self, matched: Matched) -> tuple[int, int]:
        """Enrol what is not enrolled yet. The answer: how many items were done before, and how many now."""
        self._make_gallery()
        with self._journal() as journal:
            self._make_people(journal)
            stamps = {item.name: item.stamp() for item in matched.items}
            todo = [item for item in matched.items if not journal.done(item.name, stamps[item.name])]
            for item, stamp, future in track(ahead(todo, Item.stamp, self._one), self._from.name, len(todo), "faces"):
                self._note(journal, item, stamp, future)
        return len(matched.items) - len(todo), len(todo)

    def outcomes(self, matched: Matched) -> Iterator[Outcome]:
        """Every face of the source and every picture, with what became of it."""
        known = self._journal().known
        here = self._enrolled([face for dealt in known.values() if dealt.stamp != _PERSON for face in dealt.faces])
        for item in matched.items:
            dealt = known.get(item.name)
            reason, _, detail = (dealt.why if dealt else f"{UNUSABLE}: it cannot be read").partition(": ")
            face_id = dealt.faces[0] if dealt and dealt.faces else ""
            if face_id and face_id not in here:
                face_id, reason, detail = "", ERASED, "it stays erased until the picture is replaced"
            user = self._here(item.user) if face_id and reason != UNLIKE else ""
            face = item.face.face_id if item.face else ""
            yield Outcome(
                self._from.name, face, item.external_id or "", item.user or "", item.picture.name, reason, detail,
                face_id, user,
            )  # fmt: skip
        for each in matched.unmatched:
            yield Outcome(
                self._from.name, each.face_id, each.external_id, each.user, each.picture, each.reason, each.detail,
                "", "",
            )  # fmt: skip

    def labels(self, matched: Matched) -> Mapping[str, str]:
        """What the source would call each face here, by the face's id; of people, by the person's."""
        known = self._journal().known
        self.people = _people(known)
        faces = {
            dealt.faces[0]: item.face.face_id
            for item in matched.items
            if item.face and (dealt := known.get(item.name)) and dealt.faces
        }
        return {**faces, **{here: there for there, here in self.people.items()}}

    def _enrolled(self, face_ids: Sequence[str]) -> set[str]:
        faces, every = self._app.tools.gallery.faces, range(0, len(face_ids), _ASKED_AT_ONCE)
        parts = (face_ids[i : i + _ASKED_AT_ONCE] for i in every)
        return {f.face_id for part in parts for f in faces(self._from.name, face_ids=part, limit=len(part)).items}

    def _here(self, user: str | None) -> str:
        return "" if user is None else self.people.get(user, user)

    def _journal(self) -> EnrolmentLog:
        held = self._app.tools.gallery.describe(self._from.name)
        job = ("migrate", self._source.word, self._source.address, self._from.name, held.created_at, self._quality)
        return EnrolmentLog.of(self._app.settings.home, job)

    def _make_gallery(self) -> None:
        profile, carry = self._from.profile, self._app.guard.carry_out
        try:
            if profile is None:
                carry(self._caller, CreateGallery(self._from.name))
            else:
                carry(self._caller, CreateGroup(self._from.name, profile))
        except AlreadyExists:
            if profile is None:
                return
            try:
                carry(self._caller, ReadGroup(self._from.name, profile.kind))
            except NotFound as error:
                raise Conflict(f"{self._from.name} is here already, and is no {profile.kind}") from error

    def _make_people(self, journal: EnrolmentLog) -> None:
        """Users keep their ids. People get new ones; one whose making was cut off by a kill is not made twice."""
        profile = self._from.profile
        if profile is None:
            for user in self._from.users:
                self._users.make(user.user_id)
            return
        if not profile.kind.of_people:
            return
        self.people = _people(journal.known)
        missing = [user for user in self._from.users if user.user_id not in self.people]
        left = list(self._unclaimed(profile.kind)) if missing else []
        for user in missing:
            mine = next((p for p in left if (p.called, p.data) == (user.called, user.data)), None)
            if mine is not None:
                left.remove(mine)
                made = mine.user_id
            else:
                ask = CreatePerson(self._from.name, profile.kind, user.called, user.data)
                made = self._app.guard.carry_out(self._caller, ask).result
            journal.add(f"{_PERSON}:{user.user_id}", _PERSON, (made,))
            self.people[user.user_id] = made

    def _unclaimed(self, kind: GroupKind) -> Iterator[SourceUser]:
        """People here without faces whom the journal does not know."""
        claimed, after = set(self.people.values()), ""
        while True:
            page = self._app.guard.carry_out(self._caller, ListPersons(self._from.name, kind, after)).result
            for each in page.items:
                if not each.face_ids and each.person_id not in claimed:
                    yield SourceUser(each.person_id, each.name, each.user_data)
            if page.next is None:
                return
            after = page.next

    def _one(self, item: Item) -> str:
        name, image, profile = self._from.name, item.picture.read(), self._from.profile
        if profile is None:
            ask = EnrolOne(name, image, item.external_id, item.place, self._quality)
            face: EnrolledFace = self._app.guard.carry_out(self._caller, ask).result
            return face.face_id
        person = self.people[item.user] if item.user else None
        of_group = EnrolFace(name, profile.kind, image, person, user_data=item.external_id, quality=self._quality)
        return self._app.guard.carry_out(self._caller, of_group).result

    def _note(self, journal: EnrolmentLog, item: Item, stamp: str, future: Future[str]) -> None:
        try:
            face_id = future.result()
        except NoFace as error:
            why = {"no face": "no face found"}.get(error.why, error.why)
            journal.add(item.name, stamp, (), f"{why}: {error}")
        except ImageError as error:
            journal.add(item.name, stamp, (), f"{UNUSABLE}: {error}")
        except (LimitExceeded, Conflict) as error:
            journal.add(item.name, stamp, (), f"{LIMIT}: {error}")
        except NoSuchObject:  # it went away since it was found: the next run looks again
            return
        else:
            why = ""
            if item.user is not None and self._from.profile is None:
                refused = self._users.associate(item.user, (face_id,)).refused
                why = f"{UNLIKE}: {refused[0].reason}" if refused else ""
            journal.add(item.name, stamp, (face_id,), why)


def _people(known: Mapping[str, Dealt]) -> dict[str, str]:
    """The id here of each person of the source."""
    return {name.partition(":")[2]: dealt.faces[0] for name, dealt in known.items() if dealt.stamp == _PERSON}
