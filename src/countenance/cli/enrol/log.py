"""The log of an enrolment: one line per finished picture, so that an interrupted run can continue.

A line is valid for one content of the file and one creation of the gallery. A picture that was replaced, or a gallery
that was deleted and made again, starts over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from countenance.cli.enrol.pictures import Picture, PictureFile


@dataclass(frozen=True, slots=True)
class Dealt:
    """What became of a picture. stamp: of its content. faces: their ids. why: the reason where there are none."""

    stamp: str
    faces: tuple[str, ...]
    why: str = ""


@dataclass
class EnrolmentLog:
    """The lines of one job. Use it as a context manager to add lines.

    known: by a picture's name, what became of it.
    """

    path: Path
    known: dict[str, Dealt] = field(default_factory=dict)
    _file: TextIO | None = None

    @classmethod
    def of(cls, home: Path, job: Sequence[object]) -> EnrolmentLog:
        """The log of exactly this `job`: what is enrolled, how, and into which creation of which gallery."""
        folder = home / "enrolling"
        folder.mkdir(mode=0o700, exist_ok=True)
        name = hashlib.sha256(json.dumps([str(each) for each in job]).encode()).hexdigest()[:16]
        journal = cls(folder / f"{name}.done")
        if journal.path.exists():
            for line in journal.path.read_text(encoding="utf-8").splitlines():
                try:
                    picture, stamp, faces, why = _read(json.loads(line))
                except (ValueError, KeyError, TypeError):  # cut off by a power failure: its picture is done again
                    continue
                journal.known[picture] = Dealt(stamp, tuple(faces), why)
        return journal

    def done(self, name: str, stamp: str) -> bool:
        """Whether the picture was finished with the content that `stamp` says."""
        known = self.known.get(name)
        return known is not None and known.stamp == stamp

    def replaced(self, name: str, stamp: str) -> bool:
        """Whether an earlier content of the picture gave faces."""
        known = self.known.get(name)
        return known is not None and bool(known.faces) and known.stamp != stamp

    def add(self, name: str, stamp: str, faces: Sequence[str], why: str = "") -> None:
        """Add a line: the picture, with `stamp` when it was read, gave `faces`, or none and `why`."""
        assert self._file is not None, "a journal is written inside its with block"
        self.known[name] = Dealt(stamp, tuple(faces), why)
        self._file.write(json.dumps({"picture": name, **asdict(self.known[name])}) + "\n")
        self._file.flush()

    def __enter__(self) -> EnrolmentLog:
        self._file = self.path.open("a", encoding="utf-8")
        if self._file.tell() and not self.path.read_bytes().endswith(b"\n"):  # what a kill cut off spoils no new line
            self._file.write("\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def stamp_of(picture: Picture) -> str:
    """Changes when a picture's content does, or the requested id; empty where there is none any more.

    Of a file: its size and the time of its last change.
    """
    content = file_stamp(picture.path) if isinstance(picture, PictureFile) else picture.stamp
    return content and f"{content}:{picture.external_id}:{picture.user or ''}"


def file_stamp(path: Path) -> str:
    """Size and time of the last change; empty where there is no file."""
    try:
        about = path.stat()
    except OSError:
        return ""
    return f"{about.st_size}:{about.st_mtime_ns}"


def _read(line: Any) -> tuple[str, str, list[str], str]:
    if isinstance(line, list):  # as release 0.2 wrote them
        picture, stamp, *faces = line
        return picture, stamp, faces, ""
    return line["picture"], line["stamp"], line["faces"], line["why"]
