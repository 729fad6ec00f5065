"""One call: what is asked becomes a request, what comes back becomes a typed answer or an error."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from countenance.client.raising import error_in
from countenance.client.transports import RawAnswer, Transport
from countenance.errors import BadRequest, CountenanceError, Unauthenticated
from countenance.signing import JSON

Image: TypeAlias = bytes | os.PathLike[str]
"""A picture's bytes, or its file. Never an address: nothing is fetched."""

Answered = TypeVar("Answered", bound=BaseModel)


class Exchange:
    """Calls through one transport, with a key, a token, or both: each call needs one of them, or none."""

    def __init__(self, transport: Transport, key: str | None, secret: str | None, token: str | None) -> None:
        if (key is None) != (secret is None):
            raise BadRequest("an access key comes with its secret")
        self.transport = transport
        self._by_key = None if key is None else "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
        self._by_token = None if token is None else f"Bearer {token}"

    def faces(
        self, answered: type[Answered], method: str, *path: str, body: Mapping[str, JSON] | None = None, **query: object
    ) -> Answered:
        """A call with the access key."""
        return _read(answered, self.send(self._key(), method, path, body, query))

    def people(
        self, answered: type[Answered], method: str, *path: str, body: Mapping[str, JSON] | None = None, **query: object
    ) -> Answered:
        """A call with the operator's token."""
        return _read(answered, self.send(self._token(), method, path, body, query))

    def people_done(self, method: str, *path: str, body: Mapping[str, JSON]) -> None:
        """A call with the operator's token whose answer is empty."""
        self.send(self._token(), method, path, body, {})

    def file(
        self, answered: type[Answered], path: str, content: bytes, seconds: float, members: Mapping[str, object]
    ) -> Answered:
        """A call with the access key that sends a file's bytes, the rest in the query. seconds: without a byte."""
        headers = {**self._key(), "content-type": "application/octet-stream"}
        answer = self.transport.send("POST", target_of((path,), members), headers, content, seconds)
        if answer.status != 200:
            raise error_in(answer.status, answer.headers, answer.body)
        return _read(answered, answer)

    def lines(self, path: tuple[str, ...], lines: list[bytes]) -> list[bytes]:
        """A call with the access key that sends and gets NDJSON."""
        headers = {**self._key(), "content-type": "application/x-ndjson"}
        answer = self.transport.send("POST", target_of(path, {}), headers, b"\n".join(lines))
        if answer.status != 200:
            raise error_in(answer.status, answer.headers, answer.body)
        return answer.body.splitlines()

    def send(
        self,
        headers: Mapping[str, str],
        method: str,
        path: tuple[str, ...],
        body: Mapping[str, JSON] | None,
        query: Mapping[str, object],
    ) -> RawAnswer:
        """The answer, if it is a good one; else its error."""
        sent = b"" if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        answer = self.transport.send(method, target_of(path, query), {**headers, **kind}, sent)
        if not 200 <= answer.status < 300:
            raise error_in(answer.status, answer.headers, answer.body)
        return answer

    def _token(self) -> dict[str, str]:
        if self._by_token is None:
            raise Unauthenticated("this needs an operator's token: token=…")
        return {"authorization": self._by_token}

    def _key(self) -> dict[str, str]:
        if self._by_key is None:
            raise Unauthenticated("this needs an access key of a mandate: key=…, secret=…")
        return {"authorization": self._by_key}


def target_of(path: tuple[str, ...], query: Mapping[str, object]) -> str:
    """Path and query below /v1; `BadRequest` for a name that a path cannot hold."""
    for part in path:
        if part in ("", ".", ".."):
            raise BadRequest("an id is not empty, and not made of dots alone")
    stated = {name: str(value) for name, value in query.items() if value is not None}
    return "/".join(("/v1", *(quote(part, safe="") for part in path))) + (f"?{urlencode(stated)}" if stated else "")


def encoded(image: Image) -> str:
    """A picture's bytes in base64; `TypeError` for anything but bytes or the path of a file."""
    return base64.b64encode(content_of(image)).decode()


def content_of(image: Image) -> bytes:
    """A picture's or video's bytes; `TypeError` for anything but bytes or the path of a file."""
    if isinstance(image, os.PathLike):
        return Path(image).read_bytes()
    if not isinstance(image, bytes | bytearray | memoryview):
        raise TypeError(f"a picture is bytes, or the pathlib.Path of a file; got {type(image).__name__}")
    return bytes(image)


def _read(answered: type[Answered], answer: RawAnswer) -> Answered:
    try:
        return answered.model_validate_json(answer.body, extra="ignore")  # a newer server may say more
    except ValidationError as error:
        raise CountenanceError("the server's answer is not of the form that this client knows") from error
