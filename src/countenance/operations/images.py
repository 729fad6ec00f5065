"""The pictures of an operation: bytes that were sent, or an object that is opened only once the rules permit it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeAlias

from countenance.signing import JSON


@dataclass(frozen=True)
class StoredImage:
    """An object in a bucket.

    fetch: returns its bytes or raises an error of `countenance.errors`; called once, after the decision.
    """

    bucket: str
    name: str
    fetch: Callable[[], bytes] = field(repr=False, compare=False)

    @cached_property
    def content(self) -> bytes:
        """Its bytes, as they were when it was first opened."""
        return self.fetch()

    @property
    def opened(self) -> bool:
        """Whether it has been opened."""
        return "content" in self.__dict__


Image: TypeAlias = bytes | StoredImage


def content_of(image: Image) -> bytes:
    """The encoded picture. This opens the object, so only `look` and `act` may call it."""
    return image if isinstance(image, bytes) else image.content


def commitment_of(image: Image) -> JSON:
    """What an entry commits to: the sha256 of what was sent, or the object's name. Does not open the object."""
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    return {"bucket": image.bucket, "object": image.name}


def opened_by(ask: Any) -> Mapping[str, JSON]:
    """The sha256 of each object that the operation `ask` (a dataclass) opened, by field, as `opened_FIELD`."""
    held = {each.name: getattr(ask, each.name) for each in fields(ask)}
    return {
        f"opened_{name}": hashlib.sha256(image.content).hexdigest()
        for name, image in held.items()
        if isinstance(image, StoredImage) and image.opened
    }
