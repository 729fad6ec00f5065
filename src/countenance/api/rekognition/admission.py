"""How much one server takes on at once: requests, bytes of one body, bytes of all bodies, seconds for a body.

Beyond any of these a caller is refused before its body is held, so memory is bounded whatever is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from countenance.api.body_reader import BodyTooLarge, BodyTooSlow, Receive, read_body
from countenance.api.rekognition.errors import BODY_TOO_SLOW, THROTTLED, AwsError, Refused

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What one server takes on at once; beyond it callers are told to slow down.

    requests: being read, waiting or running. body_bytes: of one body; two images of 5 MiB in base64 are 13.4 MiB.
    held_bytes: of all bodies together; those of running requests (as many as the executor has threads) are in memory
    twice, once parsed. body_seconds: from the signature to the body's last byte.
    """

    requests: int = 64
    body_bytes: int = 16 * MIB
    held_bytes: int = 256 * MIB
    body_seconds: float = 30.0


DEFAULT = AdmissionLimits()
"""For a machine with a few gigabytes to spare."""


class Admission:
    """Counts the requests and bytes in memory. For one event loop, not for threads."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self.limits = limits
        self.requests = 0
        self.held_bytes = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Room for one request; ThrottlingException if there is none."""
        if self.requests >= self.limits.requests:
            raise Refused(THROTTLED, f"{self.limits.requests} requests are in hand; try again in a moment")
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1

    @contextmanager
    def body(self, declared: int | None, too_large: AwsError) -> Iterator[None]:
        """Space for a body of `declared` bytes (unknown: of the most that is taken).

        Raises:
            Refused: `too_large` for more than a body may hold, ThrottlingException if all bodies together would.
        """
        size = self.limits.body_bytes if declared is None else declared
        if size > self.limits.body_bytes:
            raise self._refusal(too_large)
        if self.held_bytes + size > self.limits.held_bytes:
            raise Refused(THROTTLED, "the requests in hand hold as much as is kept; try again in a moment")
        self.held_bytes += size
        try:
            yield
        finally:
            self.held_bytes -= size

    async def read(self, receive: Receive, too_large: AwsError) -> bytes:
        """The whole body.

        Raises:
            Refused: `too_large` above the limit, RequestTimeoutException if it does not come in time.
            ClientGone: the client went away.
        """
        try:
            return await read_body(receive, self.limits.body_bytes, self.limits.body_seconds)
        except BodyTooLarge:
            raise self._refusal(too_large) from None
        except BodyTooSlow:
            raise Refused(BODY_TOO_SLOW, f"the body took more than {self.limits.body_seconds:g} s") from None

    def _refusal(self, too_large: AwsError) -> Refused:
        return Refused(too_large, f"the body holds more than {self.limits.body_bytes} bytes")
