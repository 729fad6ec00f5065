"""The pictures to enrol with their ids, and for every other file the reason why it is left out."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from countenance.cli.enrol.names import checked_id, external_id
from countenance.errors import BadRequest

NamedBy = Literal["file", "folder"]
_SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
_COLUMNS = {"path", "id", "user"}


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file to enrol. name: its path below the folder, with slashes. user: the owner of its faces, if stated."""

    path: Path
    name: str
    external_id: str
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files to enrol, in order of name, and the names of the others with reasons."""

    pictures: tuple[PictureFile, ...]
    left_out: tuple[tuple[str, str], ...]


def in_folder(folder: Path, named_by: NamedBy, is_picture: Callable[[bytes], bool]) -> Listing:
    """Every file below `folder`. is_picture: whether a file that begins so may be one.

    named_by: "file" gives a picture the id of its path below the folder, without its suffix; "folder" that of the
    folder it lies in, or of `folder` itself for what lies there directly. `BadRequest` where two would share an id
    and must not: two files (file), or two folders (folder).
    """
    pictures: list[PictureFile] = []
    left_out: list[tuple[str, str]] = []
    for path in _files(folder, left_out):
        name = path.relative_to(folder).as_posix()
        why = _unfit(path, is_picture)
        if why:
            left_out.append((name, why))
            continue
        source = name.removesuffix(path.suffix) if named_by == "file" else name.rpartition("/")[0]
        pictures.append(PictureFile(path, name, external_id(source or folder.resolve().name)))
    _refuse_shared(pictures, named_by)
    return Listing(tuple(pictures), tuple(left_out))


def in_manifest(manifest: Path, folder: Path, is_picture: Callable[[bytes], bool]) -> Listing:
    """The files that a CSV table names: columns path (below `folder`), id, and user if it has one.

    `BadRequest`: a missing column, an id that cannot be one, a path twice or out of the folder, with the row's number.
    """
    pictures: list[PictureFile] = []
    left_out: list[tuple[str, str]] = []
    root, seen = folder.resolve(), set[str]()
    for number, row in _rows(manifest):
        where = f"{manifest.name}, row {number}"
        name, identity, user = (row.get(column, "").strip() for column in ("path", "id", "user"))
        path = root / name
        if not name or not path.resolve().is_relative_to(root):
            raise BadRequest(f"{where}: a path lies below the folder, got {name!r}")
        if name in seen:
            raise BadRequest(f"{where}: {name} stands in a row before")
        seen.add(name)
        picture = PictureFile(path, name, checked_id(identity, where), user or None)
        why = _unfit(path, is_picture)
        if why:
            left_out.append((name, why))
        else:
            pictures.append(picture)
    return Listing(tuple(pictures), tuple(left_out))


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


def _refuse_shared(pictures: Sequence[PictureFile], named_by: NamedBy) -> None:
    owners: dict[str, str] = {}
    for picture in pictures:
        owner = picture.name if named_by == "file" else picture.name.rpartition("/")[0]
        first = owners.setdefault(picture.external_id, owner)
        if first != owner:
            a, b = first or "the folder itself", owner or "the folder itself"
            raise BadRequest(
                f"{a} and {b} would both be enrolled as {picture.external_id}: rename one, "
                "or state the ids with --manifest"
            )


def _rows(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, restkey="", restval="")
            columns = set(table.fieldnames or ())
            if not {"path", "id"} <= columns or columns - _COLUMNS:
                raise BadRequest(f"{manifest.name} has the columns path, id and, if wanted, user")
            for row in table:
                if "" in row:
                    raise BadRequest(f"{manifest.name}, row {table.line_num}: more cells than columns")
                yield table.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"{manifest.name} is not a CSV file in UTF-8: {type(error).__name__}") from error
