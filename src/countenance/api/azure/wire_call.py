"""One request as its handler sees it, and what a handler returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from countenance.api.azure.answers import JSON
from countenance.api.azure.errors import INVALID_URL, UNSUPPORTED_MEDIA, AzureRefused
from countenance.errors import UnsupportedImage
from countenance.operations import KINDS, Operation, kind_of

Seen = TypeVar("Seen")
Result = TypeVar("Result")

IMAGE_KINDS = ("JPEG", "PNG", "GIF", "BMP")
"""The kinds of pictures that Azure Face takes."""


class CarryOut(Protocol):
    """Runs operations of one caller."""

    def __call__(self, operation: Operation[Seen, Result]) -> Result:
        """The result of `operation`, or an error of `countenance.errors`."""


@dataclass(frozen=True, slots=True)
class WireCall:
    """path: the variable parts of the path, in order. url: the address without the query, as the client wrote it.

    content_type: in lower case, without parameters.
    """

    path: tuple[str, ...]
    query: bytes
    content_type: str
    body: bytes
    url: str
    carry_out: CarryOut

    def image(self) -> bytes:
        """The picture in the body; InvalidURL if it is an address, UnsupportedMediaType if it is anything else."""
        if self.content_type == "application/json":
            raise AzureRefused(
                INVALID_URL,
                "Pictures are sent as bytes (application/octet-stream): this server fetches nothing from an address "
                "that a caller names.",
            )
        if self.content_type != "application/octet-stream":
            raise AzureRefused(UNSUPPORTED_MEDIA, "the content type of a picture is application/octet-stream")
        kind = kind_of(self.body)
        if kind in KINDS and kind not in IMAGE_KINDS:
            raise UnsupportedImage(f"{kind} images are not read here; send a JPEG, PNG, GIF or BMP")
        return self.body


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """body: None if it is empty."""

    body: JSON = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[WireCall], WireAnswer]
"""Checks what was sent, calls the guard, and forms the answer."""
