"""What every audited service is asked: is there a face, and are these two the same person?"""

from __future__ import annotations

from typing import Protocol

from countenance.audit.formats.results import ModelUsed
from countenance.audit.sources.live.cassette import RecordedReply


class Service(Protocol):
    """A face service behind its own client. Errors that concern one image are replies; others are raised:

    Unauthenticated: bad or missing credentials. Denied: the service will not do this. Overloaded: throttled after all
    the client's own retries. Misconfigured: it cannot be reached.
    """

    client: str
    models: tuple[ModelUsed, ...]
    settings: dict[str, str]

    def detect(self, image: bytes) -> RecordedReply:
        """Whether there is a face, and the quality of the largest."""

    def compare(self, first: bytes, second: bytes, first_token: str, second_token: str) -> RecordedReply:
        """The similarity of the largest faces of two images. Tokens: those of the images' detections."""

    def fresh(self, reply: RecordedReply, now: float) -> bool:
        """Whether the token of a recorded detection can still be used."""
