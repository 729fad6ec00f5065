"""Which picture stands for which face of the source: by a manifest, or by a rule for names. In doubt none does."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from countenance.cli.migrate.pictures import Pictures, StoredPicture
from countenance.cli.migrate.source import SourceFace, SourceGallery
from countenance.errors import BadRequest
from countenance.operations import Place

NO_PICTURE = "no picture for this face"
OTHER_ID = "external id differs"
OTHER_USER = "user differs"
NO_SUCH = "not at the source"
_COLUMNS = {"collection", "path", "key", "external_id", "user", "face_id"}


@dataclass(frozen=True, slots=True)
class Item:
    """A face to enrol. face: the source's, where it is certain which one. place: of the face in the picture."""

    picture: StoredPicture
    external_id: str | None
    user: str | None
    face: SourceFace | None = None
    place: Place | None = None

    @property
    def name(self) -> str:
        """One for each face."""
        return f"{self.picture.name}#{self.face.face_id if self.face else self.external_id or self.user}"

    def stamp(self) -> str:
        """Changes with the picture and with what is asked of it; empty where the picture is gone."""
        content = self.picture.stamp()
        return content and f"{content}:{self.external_id}:{self.user}:{self.place}"


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A face or picture that cannot be enrolled. reason: one of the constants above. faces: how many it is about."""

    reason: str
    detail: str
    face_id: str = ""
    external_id: str = ""
    user: str = ""
    picture: str = ""
    faces: int = 1


@dataclass(slots=True)
class Matched:
    """What a gallery's pictures and faces came to."""

    items: list[Item] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a manifest. number: in the file. user: id or name."""

    number: int
    collection: str
    picture: str
    external_id: str
    user: str
    face_id: str


def read_manifest(file: Path, in_bucket: bool) -> tuple[Row, ...]:
    """The rows. BadRequest: other columns, a row of another length, or one that names no picture."""
    column = "key" if in_bucket else "path"
    rows = []
    for number, row in csv_rows(file, {"collection", column}, _COLUMNS - {"path", "key"} | {column}):
        if not row[column] or not row["collection"]:
            raise BadRequest(f"{file.name}, row {number}: a row names a collection and a {column}")
        further = (row.get(name, "") for name in ("external_id", "user", "face_id"))
        rows.append(Row(number, row["collection"], row[column], *further))
    return tuple(rows)


def csv_rows(file: Path, needed: set[str], known: set[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV file in UTF-8 with a header, stripped; `BadRequest` says what is wrong with it."""
    rows = []
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            table = csv.DictReader(opened, restkey="", restval="")
            columns = set(table.fieldnames or ())
            if not needed <= columns <= known:
                further = ", ".join(sorted(known - needed))
                raise BadRequest(f"{file.name} has the columns {', '.join(sorted(needed))} and, if wanted, {further}")
            for row in table:
                if "" in row:
                    raise BadRequest(f"{file.name}, row {table.line_num}: more cells than columns")
                rows.append((table.line_num, {name: cell.strip() for name, cell in row.items()}))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"{file.name} is not a CSV file in UTF-8: {type(error).__name__}") from error
    return rows


def by_rule(gallery: SourceGallery, pictures: Pictures, rule: str) -> Matched:
    """Each face's picture is called as `rule` says, such as {ExternalImageId}.jpg. BadRequest: unknown words in it."""
    done = Matched()
    named: dict[str, list[SourceFace]] = defaultdict(list)
    for face in gallery.faces:
        name, lacking = _rendered(rule, _words(gallery, face))
        if lacking:
            done.unmatched.append(_without(face, f"the rule needs {lacking}, and the face has none"))
        else:
            named[name].append(face)
    for name, faces in named.items():
        picture, why = _found(pictures, name)
        if picture is None:
            done.unmatched += [_without(face, why, name) for face in faces]
        else:
            _assign(done, [picture], faces)
    return done


def by_manifest(gallery: SourceGallery, pictures: Pictures, rows: Sequence[Row]) -> Matched:
    """The pictures of the rows that name this gallery, for the faces that the rows name by what the source knows."""
    done = Matched()
    wanted: dict[Hashable, tuple[list[SourceFace], list[StoredPicture]]] = {}
    met: set[str] = set()
    for row in rows:
        if row.collection != gallery.name:
            continue
        faces, why = _meant(gallery, row)
        picture, absent = _found(pictures, row.picture)
        if not faces:
            done.unmatched.append(_refused(row, *why))
        elif picture is None:
            done.unmatched.append(_refused(row, NO_PICTURE, absent))
        else:
            key = tuple(face.face_id for face in faces)
            met |= set(key)
            wanted.setdefault(key, (faces, []))[1].append(picture)
    for faces, of_faces in wanted.values():
        _assign(done, list({picture.name: picture for picture in of_faces}.values()), faces)
    done.unmatched += [
        _without(f, "no row names a picture of it that is there") for f in gallery.faces if f.face_id not in met
    ]
    return done


def _assign(done: Matched, pictures: Sequence[StoredPicture], faces: Sequence[SourceFace]) -> None:
    """`pictures` stand for `faces`: one for one, one for all faces of one picture, or any of them for each other."""
    one_picture = len({face.picture for face in faces}) == 1 and all(face.picture and face.place for face in faces)
    if len(pictures) == 1 and (len(faces) == 1 or one_picture):
        done.items += [Item(pictures[0], face.external_id, face.user, face, face.place) for face in faces]
        return
    users, ids = {face.user for face in faces}, {face.external_id for face in faces}
    if len(users) > 1:
        names = ", ".join(picture.name for picture in pictures)
        detail = f"{len(faces)} faces of {len(users)} users could be meant by {names}"
        done.unmatched += [_without(face, detail, reason=OTHER_USER) for face in faces]
        return
    (user,), external_id = users, ids.pop() if len(ids) == 1 else None
    done.items += [Item(picture, external_id, user) for picture in pictures]
    short = len({face.picture or face.face_id for face in faces}) - len(pictures)
    if short > 0:
        detail = f"{short} of {len(faces)} faces that the same name stands for have no picture of their own"
        done.unmatched.append(
            Unmatched(NO_PICTURE, detail, external_id=external_id or "", user=user or "", faces=short)
        )


def _meant(gallery: SourceGallery, row: Row) -> tuple[list[SourceFace], tuple[str, str]]:
    """The faces that a row may mean, or why there is none."""
    called = {user.user_id: user.called for user in gallery.users}
    faces = list(gallery.faces)
    if not (row.face_id or row.external_id or row.user):
        return [], (NO_SUCH, "the row has neither external_id, user nor face_id")
    if row.face_id:
        faces = [face for face in faces if face.face_id == row.face_id]
        if not faces:
            return [], (NO_SUCH, f"the source has no face {row.face_id}")
    if row.external_id:
        of_id = [face for face in faces if face.external_id == row.external_id]
        if not of_id:
            why = f"the source says {faces[0].external_id}" if row.face_id else "no face at the source has it"
            return [], (OTHER_ID, why)
        faces = of_id
    if row.user:
        faces = [face for face in faces if face.user and row.user in (face.user, called.get(face.user))]
        if not faces:
            return [], (OTHER_USER, "the source gives these faces to another user, or to none")
    return faces, ("", "")


def _found(pictures: Pictures, name: str) -> tuple[StoredPicture | None, str]:
    try:
        return pictures.find(name), f"there is no {name}"
    except BadRequest as error:
        return None, str(error)


def _words(gallery: SourceGallery, face: SourceFace) -> Mapping[str, str | None]:
    user = gallery.user(face.user) if face.user else None
    if gallery.profile is None:
        return {
            "collection": gallery.name, "ExternalImageId": face.external_id, "FaceId": face.face_id,
            "UserId": face.user, "ImageId": face.picture,
        }  # fmt: skip
    return {
        "group": gallery.name, "userData": face.external_id, "persistedFaceId": face.face_id, "personId": face.user,
        "name": user.called if user else None, "personData": user.data if user else None,
    }  # fmt: skip


def _rendered(rule: str, words: Mapping[str, str | None]) -> tuple[str, str]:
    """The name, or the first word that the face has no value for."""
    used = re.findall(r"\{([^{}]*)\}", rule)
    unknown = [word for word in used if word not in words]
    if unknown or not used:
        got = f"{{{unknown[0]}}}" if unknown else repr(rule)
        raise BadRequest(f"a rule for names has words such as {{{'}, {'.join(words)}}}, got {got}")
    lacking = next((word for word in used if not words[word]), "")
    return re.sub(r"\{([^{}]*)\}", lambda match: words[match[1]] or "", rule), lacking


def _without(face: SourceFace, detail: str, picture: str = "", reason: str = NO_PICTURE) -> Unmatched:
    return Unmatched(reason, detail, face.face_id, face.external_id or "", face.user or "", picture)


def _refused(row: Row, reason: str, detail: str) -> Unmatched:
    detail = f"row {row.number}: {detail}"
    return Unmatched(reason, detail, row.face_id, row.external_id, row.user, row.picture)
