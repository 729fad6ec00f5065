"""What a service answered, as JSON lines. An audit can be interrupted, resumed, and repeated without the service.

The first line says which client, which versions and which settings; every further line is one answer, under the hash
of what was asked. Images are named by their sha256 only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from countenance.audit.formats.codec import from_json, to_json
from countenance.audit.formats.results import ModelUsed
from countenance.errors import BadRequest, NotFound
from countenance.signing import canonical, digest

FORMAT: Literal["countenance-audit-cassette/1"] = "countenance-audit-cassette/1"


@dataclass(frozen=True, slots=True)
class Header:
    """Who is asked, with what. Answers under one header belong together."""

    client: str
    models: tuple[ModelUsed, ...]
    settings: Annotated[dict[str, str], "endpoint, region, thresholds … as asked for"]
    format: Literal["countenance-audit-cassette/1"] = FORMAT


@dataclass(frozen=True, slots=True)
class RecordedQuestion:
    """One call: its operation and the sha256 of each image it is about."""

    operation: str
    images: tuple[str, ...]

    @property
    def key(self) -> str:
        """The line's name on the cassette."""
        return digest(to_json(self))


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """What is kept of an answer: numbers, no picture, no identifier of a person.

    state: "answered", "no face" (or too poor a one), or "refused" (the image cannot be used). error: the service's
    own code for the latter two. score: similarity 0..100 of a comparison, or a described service's own number; None:
    below what the service was asked to report. faces: found in the (second) image. quality: measures of the largest
    face. token: a handle of the service for further calls. label: the class that a classifier named. at: seconds since
    1970, UTC.
    """

    state: Literal["answered", "no face", "refused"]
    at: float
    score: float | None = None
    faces: int = 0
    quality: Annotated[dict[str, float], "measures of the picture"] = None  # type: ignore[assignment]
    error: str = ""
    token: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if self.quality is None:
            object.__setattr__(self, "quality", {})


@dataclass(frozen=True, slots=True)
class _CassetteLine:
    key: str
    question: RecordedQuestion
    reply: RecordedReply


class Cassette:
    """Answers at `path`. A torn last line (an interrupt while writing) is dropped.

    header None: replay; the file must be there, and nothing new can be asked. Otherwise the file must have been
    recorded under the same header: BadRequest tells what differs.
    """

    def __init__(self, path: Path, header: Header | None) -> None:
        self._path = path
        self._replay = header is None
        self._replies: dict[str, RecordedReply] = {}
        if path.exists():
            self.header = self._load()
            if header is not None and header != self.header:
                raise BadRequest(f"{path.name} was recorded otherwise: {_difference(self.header, header)}")
        elif header is None:
            raise NotFound(f"there is no cassette {path.name} to replay")
        else:
            self.header = header
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(to_json(header))

    def __len__(self) -> int:
        """How many answers there are."""
        return len(self._replies)

    def known(self, question: RecordedQuestion) -> RecordedReply | None:
        """The recorded answer."""
        return self._replies.get(question.key)

    def ask(
        self, question: RecordedQuestion, call: Callable[[], RecordedReply], *, again: bool = False
    ) -> RecordedReply:
        """The recorded answer, or else that of `call`, recorded before it is used. again: call in any case.

        NotFound: replaying, and this was never asked.
        """
        known = None if again and not self._replay else self.known(question)
        if known is not None:
            return known
        if self._replay:
            raise NotFound(f"the cassette {self._path.name} holds no answer to one {question.operation}")
        reply = call()
        self._append(to_json(_CassetteLine(question.key, question, reply)))
        self._replies[question.key] = reply
        return reply

    def _append(self, value: object) -> None:
        with self._path.open("ab") as file:
            file.write(canonical(value) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _load(self) -> Header:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        lines = content[:whole].splitlines()
        if not lines:
            raise BadRequest(f"{self._path.name} is no cassette: it holds no complete line")
        try:
            values = [json.loads(line) for line in lines]
        except ValueError as error:
            raise BadRequest(f"{self._path.name} is damaged: a line is no JSON") from error
        header = from_json(Header, values[0], "the cassette's header")
        for value in values[1:]:
            line = from_json(_CassetteLine, value, "a cassette's line")
            if line.key != line.question.key:
                raise BadRequest(f"{self._path.name} is damaged: a line's key does not belong to its question")
            self._replies[line.key] = line.reply
        if whole < len(content) and not self._replay:
            with self._path.open("r+b") as file:
                file.truncate(whole)
        return header


def _difference(old: Header, new: Header) -> str:
    before, after = to_json(old), to_json(new)
    name = next(name for name in before if before[name] != after[name])
    return f"{name} was {before[name]}, now {after[name]}; record to a new cassette"
