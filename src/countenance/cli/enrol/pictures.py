"""The pictures to enrol with their ids, and for every other file the reason why it is left out."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol, TypeAlias

from countenance.cli.enrol.manifest import manifest_rows
from countenance.cli.enrol.names import external_id, printed
from countenance.errors import BadRequest

NamedBy = Literal["file", "folder"]
_SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file to enrol. name: its path below the folder, with slashes. user: the owner of its faces, if stated."""

    path: Path
    name: str
    external_id: str
    user: str | None = None


@dataclass(frozen=True, slots=True)
class PictureObject:
    """An object of a bucket to enrol. stamp: of its content. name: its path below the prefix; user: see above."""

    bucket: str
    key: str
    stamp: str
    name: str
    external_id: str
    user: str | None = None


Picture: TypeAlias = PictureFile | PictureObject


class ListedPicture(Protocol):
    """What a bucket says of an object. size: bytes. stamp: changes with its content."""

    @property
    def name(self) -> str:
        """The object's name in its bucket."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def stamp(self) -> str:
        """Changes with its content."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures to enrol, in order of name, and the names of the others with reasons."""

    pictures: tuple[Picture, ...]
    left_out: tuple[tuple[str, str], ...]


def in_folder(folder: Path, named_by: NamedBy, is_picture: Callable[[bytes], bool]) -> Listing:
    """Every file below `folder`. is_picture: whether a file that begins so may be one.

    named_by: "file" gives a picture the id of its path below the folder, without its suffix; "folder" that of the
    folder it lies in, or of `folder` itself for what lies there directly. `BadRequest` where two would share an id
    and must not: two files (file), or two folders (folder).
    """
    pictures: list[Picture] = []
    left_out: list[tuple[str, str]] = []
    for path in _files(folder, left_out):
        name = path.relative_to(folder).as_posix()
        why = _unfit(path, is_picture)
        if why:
            left_out.append((name, why))
            continue
        pictures.append(PictureFile(path, name, _id_of(name, named_by, folder.resolve().name)))
    _refuse_shared(pictures, named_by)
    return Listing(tuple(pictures), tuple(left_out))


def in_manifest(manifest: Path, folder: Path, is_picture: Callable[[bytes], bool]) -> Listing:
    """The files that a CSV table names: columns path (below `folder`), id, and user if it has one.

    `BadRequest`: a missing column, an id that cannot be one, a path twice or out of the folder, with the row's number.
    """
    pictures: list[Picture] = []
    left_out: list[tuple[str, str]] = []
    root = folder.resolve()
    spellings = _Spellings(root)
    seen = set[Path]()
    for where, stated, identity, user in manifest_rows(manifest):
        path = spellings.path(stated)
        try:
            inside = path.resolve().is_relative_to(root)
        except (OSError, RuntimeError):  # links that lead to each other, a name longer than any file's: said below
            inside = True
        if not (inside and path.is_relative_to(root)):
            raise BadRequest(f"{where}: a path lies below the folder, got {stated!r}")
        name = path.relative_to(root).as_posix()
        if path in seen:
            raise BadRequest(f"{where}: {name} stands in a row before")
        seen.add(path)
        picture = PictureFile(path, name, identity, user)
        why = _unfit(path, is_picture)
        if why:
            left_out.append((name, why))
        else:
            pictures.append(picture)
    return Listing(tuple(pictures), tuple(left_out))


def in_bucket(
    bucket: str, prefix: str, objects: Iterable[ListedPicture], named_by: NamedBy, manifest: Path | None
) -> Listing:
    """The objects of a bucket whose names begin with `prefix`, which ends with a slash or is empty.

    named_by, manifest: as for a folder. Whether an object is a picture is seen when it is read. Errors as there.
    """
    there = {each.name.removeprefix(prefix): each for each in objects if not each.name.endswith("/")}
    named: list[tuple[str, str, str | None]]
    if manifest is None:
        top = PurePosixPath(bucket, prefix).name
        named = [(name, _id_of(name, named_by, top), None) for name in sorted(there)]
    else:
        named = [(name, identity, user) for _, name, identity, user in manifest_rows(manifest)]
    pictures: list[Picture] = []
    left_out: list[tuple[str, str]] = []
    for name, identity, user in named:
        found = there.get(name)
        if found is None or not found.size:
            left_out.append((name, "there is no such object" if found is None else "the object is empty"))
        else:
            pictures.append(PictureObject(bucket, found.name, found.stamp, name, identity, user))
    if manifest is None:
        _refuse_shared(pictures, named_by)
    return Listing(tuple(pictures), tuple(left_out))


class _Spellings:
    """Files as tables spell them: in another of Unicode's normal forms than the disk, or with Windows's backslashes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def path(self, stated: str) -> Path:
        """The path that `stated` means; of several spellings the one as stated, also where nothing is there."""
        as_stated, *others = (self._normal(each) for each in dict.fromkeys((stated, stated.replace("\\", "/"))))
        for path in (as_stated, *others):
            there = path if os.path.lexists(path) else self._respelled(path)
            if there is not None:
                return there
        return as_stated

    def _normal(self, stated: str) -> Path:
        return Path(os.path.normpath(self._root / stated))  # "./a.jpg" and "b/../a.jpg" are one file: it has one id

    def _respelled(self, path: Path) -> Path | None:
        """The one file or folder whose name differs from `path` in Unicode's normal form alone."""
        if not path.is_relative_to(self._root):
            return None
        at = self._root
        for part in path.relative_to(self._root).parts:
            names = [part] if os.path.lexists(at / part) else self._names(at)[unicodedata.normalize("NFC", part)]
            if len(names) != 1:
                return None
            at /= names[0]
        return at

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._listed:
            listed = self._listed[folder] = defaultdict(list)
            with suppress(OSError):  # no folder, or none that is read: `_unfit` says so
                for entry in folder.iterdir():
                    listed[unicodedata.normalize("NFC", entry.name)].append(entry.name)
        return self._listed[folder]


def _id_of(name: str, named_by: NamedBy, top: str) -> str:
    """The id of the picture `name`, a path. top: the name of the folder that all lie in."""
    source = name.removesuffix(PurePosixPath(name).suffix) if named_by == "file" else name.rpartition("/")[0]
    return external_id(source or top)


def _files(folder: Path, left_out: list[tuple[str, str]]) -> Iterator[Path]:
    """Everything below that is not a plain folder, in order of name; also folders named like pictures."""

    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder).as_posix()
        left_out.append((name, f"the folder cannot be read: {error.strerror}"))

    for where, folders, files in os.walk(folder, onerror=unreadable):
        folders.sort()
        here = Path(where)
        for name in folders:
            below = (here / name).relative_to(folder).as_posix()
            if (here / name).is_symlink():
                left_out.append((below, "a link to a folder, which is not followed"))
            elif Path(name).suffix.lower() in _SUFFIXES:
                left_out.append((below, "a folder, not a picture; what lies in it is looked at"))
        for name in sorted(files):
            yield here / name


def _unfit(path: Path, is_picture: Callable[[bytes], bool]) -> str:
    """Why the file at `path` cannot be enrolled; empty if it may be a picture."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "a folder, not a picture"
        if not stat.S_ISREG(mode):
            return "not a regular file"
        with path.open("rb") as file:
            begins = file.read(64)
    except FileNotFoundError:
        return "a link to a file that is not there" if path.is_symlink() else "there is no such file"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if not begins:
        return "the file is empty"
    return "" if is_picture(begins) else "not a kind of picture that is read here"


def _refuse_shared(pictures: Sequence[Picture], named_by: NamedBy) -> None:
    owners: dict[str, str] = {}
    for picture in pictures:
        owner = picture.name if named_by == "file" else picture.name.rpartition("/")[0]
        first = owners.setdefault(picture.external_id, owner)
        if first != owner:
            a, b = (printed(each) or "the folder itself" for each in (first, owner))
            raise BadRequest(
                f"{a} and {b} would both be enrolled as {picture.external_id}: rename one, "
                "or state the ids with --manifest"
            )
