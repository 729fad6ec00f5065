"""One request of a browser, read and checked: who asks, in which language, and what a form says."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from countenance.administration import SignedIn
from countenance.console.services import ConsoleServices
from countenance.console.words import Catalogue
from countenance.errors import BadRequest, Unauthenticated
from countenance.said_once import loads
from countenance.signing import JSON

PICTURE_BYTES = 15 * 2**20
"""The largest picture that is taken."""
_MOST_FIELDS = 60


@dataclass(frozen=True, slots=True)
class ConsoleRequest:
    """A request. form_token: what each form of the answer carries. texts, files: what a form sent. refused: why that
    was not taken, where the form is shown again; else empty.
    """

    request: Request
    services: ConsoleServices
    who: SignedIn | None
    words: Catalogue
    language: str
    form_token: str
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    refused: str = ""

    @property
    def by(self) -> SignedIn:
        """Who is signed in."""
        if self.who is None:
            raise Unauthenticated("sign in first")
        return self.who

    @property
    def address(self) -> str:
        """The network address of the client, as the server sees it."""
        return self.request.client.host if self.request.client else ""

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the path that its route names."""
        return {name: str(value) for name, value in self.request.path_params.items()}

    def query(self, name: str) -> str:
        """A value of the query string, empty where there is none."""
        return self.request.query_params.get(name, "")[:500]

    def query_number(self, name: str, digits: int = 5) -> int:
        """A whole number of the query string, of so many digits at most; 0 where there is none."""
        text = self.query(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0

    def secret(self, name: str) -> str:
        """A field as it was sent: for passwords and tokens."""
        return self.texts.get(name, ("",))[0]

    def text(self, name: str, *, needed: bool = False, most: int = 500, lines: bool = False) -> str:
        """A field without the space round it, of printable characters; `BadRequest` names it where it will not do.

        lines: whether it may have several.
        """
        value = self.secret(name).strip()
        plain = value.replace("\r", "").replace("\n", "").replace("\t", "") if lines else value
        if not plain.isprintable() or len(value) > most:
            raise BadRequest(f"{name}: at most {most} printable characters are expected")
        if needed and not value:
            raise BadRequest(f"{name}: this is needed")
        return value

    def typed(self, name: str, default: str = "") -> str:
        """What a field holds when its form is shown: what was typed into it if that was refused, else `default`."""
        return self.texts.get(name, (default,))[0] if self.refused else default

    @property
    def faulty_field(self) -> str:
        """The field that was refused, if the refusal names one of those that were sent; empty otherwise."""
        name, named, _ = self.refused.partition(": ")
        return name if named and name in self.texts else ""

    def several(self, name: str) -> tuple[str, ...]:
        """All values of a field that may be given several times, and its words where they are divided by commas."""
        parts = (part.strip() for value in self.texts.get(name, ()) for part in value.split(","))
        return tuple(part for part in parts if part and part.isprintable() and len(part) <= 255)

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A number of a form; `BadRequest` outside `least`..`most`."""
        try:
            value = float(self.text(name) or default)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise BadRequest(f"{name}: a number from {least:g} to {most:g} is expected")
        return value

    def facts(self, name: str) -> dict[str, JSON]:
        """A field that holds a JSON object; `{}` where it is empty."""
        text = self.text(name, most=16_384, lines=True)
        try:
            value = loads(text or "{}")
        except ValueError as error:
            raise BadRequest(f'{name}: a JSON object is expected, such as {{"gallery": {{…}}}}') from error
        if not isinstance(value, dict):
            raise BadRequest(f'{name}: a JSON object is expected, such as {{"gallery": {{…}}}}')
        return value

    def until(self, name: str, now: datetime) -> datetime:
        """A date (the end of that day, UTC) or a number of days from now."""
        text = self.text(name, needed=True)
        try:
            if text.isdigit():
                return now + timedelta(days=int(text))
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise BadRequest(f"{name}: a date such as 2027-01-31, or a number of days, is expected") from error

    def file(self, name: str) -> bytes:
        """The bytes of a file; `BadRequest` where none was chosen."""
        content = self.files.get(name, b"")
        if not content:
            raise BadRequest(f"{name}: choose a picture, JPEG or PNG")
        if len(content) > PICTURE_BYTES:
            raise BadRequest(f"{name}: a picture has at most {PICTURE_BYTES // 2**20} MiB")
        return content


class _InMemory(MultiPartParser):
    spool_max_size = PICTURE_BYTES * 4  # pictures of people are never written to a temporary file


async def form_of(headers: Headers, body: bytes) -> tuple[dict[str, tuple[str, ...]], dict[str, bytes]]:
    """The texts and files of a form; `BadRequest` where it is none."""
    texts: dict[str, tuple[str, ...]] = {}
    files: dict[str, bytes] = {}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            form = await _InMemory(headers, _once(body), max_files=4, max_fields=_MOST_FIELDS).parse()
        except (MultiPartException, KeyError, UnicodeDecodeError) as error:
            raise BadRequest("the form cannot be read") from error
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
            else:
                texts[name] = (*texts.get(name, ()), value)
        await form.close()
    elif kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise BadRequest("the form cannot be read") from error
        for name, text in pairs:
            texts[name] = (*texts.get(name, ()), text)
    elif body:
        raise BadRequest("a form is expected")
    return texts, files


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
