"""Bulk enrolment: many pictures in few requests, with progress, and a journal from which it goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from countenance.client.exchange import Exchange, Image, encoded
from countenance.client.raising import error_of
from countenance.errors import BadRequest, CountenanceError
from countenance.wire.faces import BulkLine, EnrolmentShown

LINES = 32
"""Pictures in one request, at most."""
BYTES = 8 * 2**20
"""Bytes in one request, but for a single picture that is larger."""


@dataclass(frozen=True, slots=True)
class PictureToEnrol:
    """A picture, as bytes or the path of a file, and your own name for the faces in it."""

    image: Image
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one picture: an enrolment, or the error in its place; neither where it was done before."""

    picture: PictureToEnrol
    enrolment: EnrolmentShown | None = None
    error: CountenanceError | None = None

    @property
    def done_before(self) -> bool:
        """Whether the journal says that an earlier run enrolled it."""
        return self.enrolment is None and self.error is None


class EnrolJournal:
    """Digests of what was enrolled, one a line, appended as it is done. path: mode 0600; None keeps nothing."""

    def __init__(self, path: Path | None, about: str) -> None:
        self._about = about
        self._file = None if path is None else os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        text = b"" if path is None else path.read_bytes()
        self._done = set(text.decode("ascii", "replace").split("\n")[:-1])  # what a crash cut off does not count
        if self._file is not None and text and not text.endswith(b"\n"):
            os.write(self._file, b"\n")

    def name(self, picture: PictureToEnrol, image: str) -> str:
        """What stands for a picture; nothing can be read from it."""
        return hashlib.sha256("\0".join((self._about, picture.external_id or "", image)).encode()).hexdigest()

    def has(self, name: str) -> bool:
        """Whether it was done."""
        return name in self._done

    def add(self, name: str) -> None:
        """It is done."""
        self._done.add(name)
        if self._file is not None:
            os.write(self._file, name.encode() + b"\n")

    def close(self) -> None:
        """Nothing more is added."""
        if self._file is not None:
            os.close(self._file)


def enrol_many(
    exchange: Exchange,
    gallery_id: str,
    pictures: Iterable[PictureToEnrol],
    max_faces: int,
    quality: str,
    log: Path | None,
) -> Iterator[BulkResult]:
    """A result for each picture, in their order. Reads no more ahead than one request holds."""
    if not isinstance(max_faces, int) or max_faces < 1:
        raise BadRequest("max_faces is a whole number from 1")
    journal = EnrolJournal(log, f"{gallery_id}\0{max_faces}\0{quality}")
    try:
        waiting: list[tuple[PictureToEnrol, str, bytes]] = []
        size = 0
        for picture in pictures:
            try:
                image = encoded(picture.image)
            except OSError as error:
                yield from _sent(exchange, gallery_id, waiting, journal)
                waiting, size = [], 0
                yield BulkResult(picture, error=BadRequest(f"the file cannot be read: {error.strerror}"))
                continue
            name = journal.name(picture, image)
            if journal.has(name):
                yield from _sent(exchange, gallery_id, waiting, journal)
                waiting, size = [], 0
                yield BulkResult(picture)
                continue
            line = _line(picture, image, max_faces, quality)
            if waiting and (len(waiting) == LINES or size + len(line) > BYTES):
                yield from _sent(exchange, gallery_id, waiting, journal)
                waiting, size = [], 0
            waiting.append((picture, name, line))
            size += len(line)
        yield from _sent(exchange, gallery_id, waiting, journal)
    finally:
        journal.close()


def _line(picture: PictureToEnrol, image: str, max_faces: int, quality: str) -> bytes:
    stated = {"image": image, "external_id": picture.external_id, "max_faces": max_faces, "quality": quality}
    return json.dumps(stated).encode()


def _sent(
    exchange: Exchange, gallery_id: str, waiting: list[tuple[PictureToEnrol, str, bytes]], journal: EnrolJournal
) -> Iterator[BulkResult]:
    if not waiting:
        return
    answers = exchange.lines(("galleries", gallery_id, "enrolments"), [line for _, _, line in waiting])
    if len(answers) != len(waiting):
        raise ConnectionError(f"the answer broke off after {len(answers)} of {len(waiting)} pictures; run it again")
    for (picture, name, _), answer in zip(waiting, answers, strict=True):
        result = BulkLine.model_validate_json(answer, extra="ignore")
        if result.enrolment is not None:
            journal.add(name)
            yield BulkResult(picture, result.enrolment)
        else:
            yield BulkResult(picture, error=error_of(result.problem or {}))
