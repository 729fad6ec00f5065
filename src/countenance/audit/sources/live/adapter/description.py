"""The description of a service: a TOML file, checked before anything is asked. Errors name the key that is wrong."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from countenance.audit.formats.codec import from_json
from countenance.audit.sources.live.adapter.json_path import steps_of
from countenance.audit.sources.live.cost import Price
from countenance.errors import BadRequest, NotFound
from countenance.said_once import loads

CallName = Literal["compare", "detect", "classify"]
FOLDER = Path(__file__).with_name("shipped")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_ONE = ("image",)
_TWO = ("first", "second")
_TOKENS = ("first_token", "second_token")


@dataclass(frozen=True, slots=True)
class SecretSlot:
    """A key or password: which environment variable holds it, and where it goes."""

    variable: Annotated[str, "environment variable; the value never stands in the file"]
    name: Annotated[str, "header, query parameter or form field that carries it"]
    into: Literal["header", "query", "field"] = "header"
    prefix: Annotated[str, "what stands before it, such as 'Bearer '"] = ""
    optional: Annotated[bool, "whether it is left out where the variable is not set"] = False
    only: Annotated[tuple[CallName, ...], "the calls that carry it; none named: all"] = ()

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.variable):
            raise ValueError(f"variable is a name such as VENDOR_API_KEY, got {self.variable!r}")
        _one_line("name", self.name)
        _one_line("prefix", self.prefix)


@dataclass(frozen=True, slots=True)
class SignatureSlot:
    """AWS Signature Version 4 over every request."""

    service: str
    region: str
    key_id: Annotated[str, "environment variable of the access key"] = "AWS_ACCESS_KEY_ID"
    secret: Annotated[str, "environment variable of the secret"] = "AWS_SECRET_ACCESS_KEY"  # noqa: S105


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """When an answer means something: all that is given must hold. A rule without `status` about what is absent or
    present holds for successful answers only."""

    status: Annotated[tuple[int, ...], "HTTP statuses, any of them; none: any"] = ()
    path: Annotated[str, "place in the answer"] = ""
    equals: Annotated[tuple[str, ...], "what stands there, any of these, as text"] = ()
    contains: Annotated[str, "a part of what stands there"] = ""
    absent: Annotated[bool, "nothing is there: no such key, null, or empty"] = False
    present: Annotated[bool, "something is there"] = False

    def __post_init__(self) -> None:
        _path("path", self.path)
        if self.absent and (self.present or self.equals or self.contains):
            raise ValueError("absent stands alone: nothing can equal or contain anything where nothing is")
        if not (self.status or self.equals or self.contains or self.absent or self.present):
            raise ValueError("a rule needs one of status, equals, contains, absent, present")


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What is sent, by POST. A picture goes in as its bytes: {image}, or {first} and {second}, stand for it."""

    path: Annotated[str, "what follows the endpoint, from / on"]
    body: Literal["multipart", "json", "form", "binary"]
    files: Annotated[Mapping[str, str], "multipart: the picture ('first', 'second' or 'image') of each part"] = field(
        default_factory=dict
    )
    fields: Annotated[Mapping[str, str], "multipart and form: texts; {first} in one stands for base64"] = field(
        default_factory=dict
    )
    json: Annotated[str, "the JSON body; {first} in a text of it stands for base64"] = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: Annotated[str, "json and binary: what the body is said to be; empty: the usual"] = ""

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or any(sign in self.path for sign in "?# \r\n"):
            raise ValueError(f"path starts with / and has no query, which goes into query; got {self.path!r}")
        for name, value in [*self.headers.items(), ("content_type", self.content_type)]:
            _one_line(f"headers.{name}", name)
            _one_line(f"headers.{name}", value)
        allowed = {"multipart": ("files", "fields"), "form": ("fields",), "json": ("json",), "binary": ()}[self.body]
        for name in ("files", "fields", "json"):
            if getattr(self, name) and name not in allowed:
                raise ValueError(f"{name} is not for body = {self.body!r}, which takes {', '.join(allowed) or 'none'}")
        if self.body == "json":
            try:
                loads(self.json)
            except ValueError as error:
                raise ValueError(f"json is no JSON: {error}") from error

    def pictures(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Which of `known` the request carries; ValueError names the key that says another."""
        names: list[str] = []
        for key, name in self._named():
            if name not in known:
                raise ValueError(f"request.{key} says {name!r}; what can be sent here is {', '.join(known)}, no URL")
            names.append(name)
        return tuple(names)

    def _named(self) -> Iterator[tuple[str, str]]:
        if self.body == "binary":
            yield "body", "image"
        for part, name in self.files.items():
            yield f"files.{part}", name
        for key, text in self.fields.items():
            yield from ((f"fields.{key}", name) for name in _PLACEHOLDER.findall(text))
        for text in texts_in(json.loads(self.json) if self.json else None):
            yield from (("json", name) for name in _PLACEHOLDER.findall(text))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Answers that mean something else than a result. Looked at in this order: busy, refused, no_face by what an answer
    says, failed, no_face by what it lacks."""

    no_face: Annotated[tuple[AnswerRule, ...], "no face was found, which is an outcome"] = ()
    refused: Annotated[tuple[AnswerRule, ...], "this picture cannot be used, which is an outcome"] = ()
    busy: Annotated[tuple[AnswerRule, ...], "ask again later (429 and 5xx always mean that)"] = ()
    failed: Annotated[tuple[AnswerRule, ...], "the call failed, whatever its status: the audit stops"] = ()


@dataclass(frozen=True, slots=True)
class CompareCall:
    """How two pictures are compared, and where the score is."""

    request: CallRequest
    score: Annotated[str, "path to the similarity or distance, a number"]
    direction: Annotated[Literal["similarity", "distance"], "whether a larger score means more or less alike"]
    rules: RuleSet = field(default_factory=RuleSet)

    def __post_init__(self) -> None:
        _path("score", self.score)
        sent = self.request.pictures((*_TWO, *_TOKENS))
        for one, token in zip(_TWO, _TOKENS, strict=True):
            if one not in sent and token not in sent:
                raise ValueError(f"request sends no {one} picture: {{{one}}} or {{{token}}} must stand in it once")

    @property
    def by_token(self) -> bool:
        """Whether the service is sent handles of detected faces instead of pictures."""
        return not set(_TWO).issubset(self.request.pictures((*_TWO, *_TOKENS)))


@dataclass(frozen=True, slots=True)
class DetectCall:
    """How the faces of a picture are found, and what is said about the largest."""

    request: CallRequest
    faces: Annotated[str, "path to the list of faces"]
    box: Annotated[tuple[str, ...], "in a face: width and height, or left, top, right and bottom; none: the first"] = ()
    token: Annotated[str, "in a face: path to its handle, for comparisons"] = ""
    token_seconds: Annotated[float, "how long a handle is kept; 0: for good"] = 0.0
    quality: Annotated[Mapping[str, str], "measures to keep, and the path to each in a face"] = field(
        default_factory=dict
    )
    predicted: Annotated[str, "in a face: path to the class, or to a table of classes and their numbers"] = ""
    classes: Annotated[Mapping[str, str], "what the service says, and the class that it means"] = field(
        default_factory=dict
    )
    rules: RuleSet = field(default_factory=RuleSet)

    def __post_init__(self) -> None:
        for name in ("faces", "token", "predicted"):
            _path(name, getattr(self, name))
        for place in self.box:
            _path("box", place)
        for name, place in self.quality.items():
            _path(f"quality.{name}", place)
        if len(self.box) not in (0, 2, 4):
            raise ValueError(f"box has 2 paths (width, height) or 4 (left, top, right, bottom), got {len(self.box)}")
        if not self.request.pictures(_ONE):
            raise ValueError("request sends no picture: {image} must stand in it")
        if self.classes and not self.predicted:
            raise ValueError("classes needs predicted, the path to what they translate")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A service: where it is, what it costs, and its calls. detect and compare are needed to audit matching."""

    name: Annotated[str, "product, as its maker calls it"]
    checked: Annotated[str, "how the shape of requests and answers was come by, and when"]
    endpoint: Annotated[str, "address without a path; a plan's own endpoint goes before it"]
    calls_per_second: Annotated[float, "the fastest that the service may be asked; a plan may say less"]
    price: Price
    version: Annotated[str, "what the service says of itself, if it is known beforehand"] = "not stated"
    secrets: tuple[SecretSlot, ...] = ()
    sign: SignatureSlot | None = None
    compare: CompareCall | None = None
    detect: DetectCall | None = None
    classify: DetectCall | None = None

    def __post_init__(self) -> None:
        address(self.endpoint)
        if self.calls_per_second <= 0:
            raise ValueError(f"calls_per_second is above 0, got {self.calls_per_second}")
        if self.price.per_call < 0:
            raise ValueError(f"price.per_call is 0 or more, got {self.price.per_call}")
        if self.compare is None and self.detect is None and self.classify is None:
            raise ValueError("one of compare, detect and classify must be described")
        if self.classify is not None and not self.classify.predicted:
            raise ValueError("classify.predicted is missing: the path to the class")
        if self.compare is not None and self.compare.by_token and (self.detect is None or not self.detect.token):
            raise ValueError("compare.request sends handles of faces, so detect.token must say where a handle is")
        for name, call in self.calls.items():
            if call.request.body in ("json", "binary") and any(s.into == "field" for s in self.secrets_of(name)):
                raise ValueError(
                    f"secrets.into = 'field' needs a form, but {name}.request.body is {call.request.body!r}"
                )

    @property
    def calls(self) -> dict[CallName, CompareCall | DetectCall]:
        """What is described, by name."""
        described: dict[CallName, CompareCall | DetectCall | None] = {
            "detect": self.detect,
            "compare": self.compare,
            "classify": self.classify,
        }
        return {name: call for name, call in described.items() if call is not None}

    def secrets_of(self, name: CallName) -> tuple[SecretSlot, ...]:
        """The secrets that the call `name` carries."""
        return tuple(slot for slot in self.secrets if not slot.only or name in slot.only)


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A description as read. file: how a plan's inputs name it. sha256: of its bytes."""

    adapter: Adapter
    file: str
    sha256: str


def shipped() -> tuple[str, ...]:
    """Names of the descriptions that ship."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_adapter(name: str, folder: Path) -> AdapterFile:
    """The description `name`: a shipped one, or a file that ends in .toml, relative to `folder`.

    NotFound: no such description; it lists those that ship. BadRequest: names the key that is wrong.
    """
    own = name.endswith(".toml")
    path = folder / name if own else FOLDER / f"{name}.toml"
    if not path.is_file() or (not own and path.parent != FOLDER):
        raise NotFound(
            f"there is no adapter {name!r}; name a file that ends in .toml, or one of {', '.join(shipped())}"
        )
    content = path.read_bytes()
    try:
        table = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path.name} is no TOML: {error}") from error
    adapter = from_json(Adapter, table, path.name)
    return AdapterFile(adapter, name if own else f"adapter {name}", hashlib.sha256(content).hexdigest())


def address(endpoint: str) -> str:
    """`endpoint` without a slash at its end; ValueError unless it is http or https with a host, and nothing secret."""
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username or any(sign in endpoint for sign in " \r\n"):
        raise ValueError(f"endpoint is an address such as https://api.example.com, got {endpoint!r}")
    return endpoint.rstrip("/")


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value; keys are none."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(inner)


def _path(name: str, path: str) -> None:
    try:
        steps_of(path)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _one_line(name: str, text: str) -> None:
    if any(sign in text for sign in "\r\n"):
        raise ValueError(f"{name} is one line")
