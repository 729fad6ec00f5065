"""Which pictures an enrolment has dealt with, as lines in a file, so that it goes on where it was interrupted.

A line holds for one content of a file and for one making of a gallery: a picture that was replaced, or a gallery that
was deleted and made again, begins anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TextIO

from countenance.cli.enrol.pictures import PictureFile


@dataclass
class EnrolmentLog:
    """One job's lines. Use as a context manager to add to them.

    known: by name of a picture, its stamp and the ids of the faces that it gave.
    """

    path: Path
    known: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    _file: TextIO | None = None

    @classmethod
    def of(cls, home: Path, job: Sequence[object]) -> EnrolmentLog:
        """The journal of exactly this `job`: what is enrolled how, and into which making of which gallery."""
        folder = home / "enrolling"
        folder.mkdir(mode=0o700, exist_ok=True)
        name = hashlib.sha256(json.dumps([str(each) for each in job]).encode()).hexdigest()[:16]
        journal = cls(folder / f"{name}.done")
        if journal.path.exists():
            for line in journal.path.read_text(encoding="utf-8").splitlines():
                try:
                    picture, stamp, *faces = json.loads(line)
                except ValueError:  # the line that a power cut broke off: its picture is done again
                    continue
                journal.known[picture] = (stamp, tuple(faces))
        return journal

    def done(self, picture: PictureFile) -> bool:
        """Whether the picture was dealt with as it is now."""
        return self.known.get(picture.name, ("", ()))[0] == stamp_of(picture)

    def replaced(self, picture: PictureFile) -> bool:
        """Whether another content of the file gave faces before."""
        stamp, faces = self.known.get(picture.name, ("", ()))
        return bool(faces) and stamp != stamp_of(picture)

    def add(self, picture: PictureFile, stamp: str, faces: Sequence[str]) -> None:
        """The picture, as `stamp` says that it was when it was read, gave `faces`."""
        assert self._file is not None, "a journal is written inside its with block"
        self.known[picture.name] = (stamp, tuple(faces))
        self._file.write(json.dumps([picture.name, stamp, *faces]) + "\n")
        self._file.flush()

    def __enter__(self) -> EnrolmentLog:
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def stamp_of(picture: PictureFile) -> str:
    """What changes when a file's content does: its size and the time of its last change, and the id asked for."""
    try:
        about = picture.path.stat()
    except OSError:
        return ""
    return f"{about.st_size}:{about.st_mtime_ns}:{picture.external_id}:{picture.user or ''}"
