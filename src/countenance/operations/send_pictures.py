"""Send pictures to an outside service: decided and on record before the first one leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class SendPictures(Operation[None, int]):
    """Let `send` ask the service `service` at `address` about `pictures`; the result is how many questions it answered.

    pictures: the sha256 (hex) of each. similarity: what the service's answers are compared with here, 0..100, so that
    the rules decide this as they would a comparison at that similarity.
    """

    service: str
    address: str
    pictures: tuple[str, ...]
    similarity: float
    send: Callable[[], int] = field(repr=False, compare=False)
    name: ClassVar[str] = "send_pictures"
    action: ClassVar[Action] = Action.VERIFY
    goes_into_custody: ClassVar[bool] = False

    @property
    def min_similarity(self) -> float:
        """The similarity that answers are compared with."""
        return self.similarity

    def look(self, tools: Tools) -> None:
        """No picture is analysed here."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> int:
        """Send and ask."""
        return self.send()

    def private(self) -> Mapping[str, JSON]:
        """Which service, where, which pictures."""
        return {"service": self.service, "address": self.address, "pictures": list(self.pictures)}

    def counts(self, result: int) -> Mapping[str, JSON]:
        """How many pictures were to be sent, and how many questions were answered."""
        return {"sent_pictures": len(self.pictures), "questions": result}
