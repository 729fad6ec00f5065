"""The log of an enrolment: one line per finished picture, so that an interrupted run can continue.

A line is valid for one content of the file and one creation of the gallery. A picture that was replaced, or a gallery
that was deleted and made again, starts over.
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
    """The lines of one job. Use it as a context manager to add lines.

    known: by a picture's name, its stamp and the ids of its faces.
    """

    path: Path
    known: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
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
                    picture, stamp, *faces = json.loads(line)
                except ValueError:  # a line cut off by a power failure: its picture is done again
                    continue
                journal.known[picture] = (stamp, tuple(faces))
        return journal

    def done(self, picture: PictureFile) -> bool:
        """Whether the picture was finished with its present content."""
        return self.known.get(picture.name, ("", ()))[0] == stamp_of(picture)

    def replaced(self, picture: PictureFile) -> bool:
        """Whether an earlier content of the file gave faces."""
        stamp, faces = self.known.get(picture.name, ("", ()))
        return bool(faces) and stamp != stamp_of(picture)

    def add(self, picture: PictureFile, stamp: str, faces: Sequence[str]) -> None:
        """Add a line: the picture, with `stamp` when it was read, gave `faces`."""
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
    """Changes when a file's content does: its size, the time of its last change, and the requested id."""
    try:
        about = picture.path.stat()
    except OSError:
        return ""
    return f"{about.st_size}:{about.st_mtime_ns}:{picture.external_id}:{picture.user or ''}"
