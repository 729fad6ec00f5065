"""Stream processors, as Rekognition has them: their descriptions are kept under a mandate. Live streams are not
enabled: `StartStreamProcessor` and `StopStreamProcessor`, where a live search would begin and end, refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, NoReturn, Self

from countenance.errors import BadRequest, NotFound, NotOffered
from countenance.gallery import Page
from countenance.jobs import StreamProcessor
from countenance.mandates import Mandate
from countenance.operations.operation import Operation, Permit, Result, Tools
from countenance.policy import Action
from countenance.signing import JSON

NOT_ENABLED = "live streams are not enabled on this server: stream processors are kept and described, none of them runs"


class _OfProcessor(Operation[None, Result]):
    """gallery_id: the gallery that it would search; known once `completed`."""

    __slots__ = ()
    processor: str
    gallery_id: str | None

    @property
    def gallery(self) -> str | None:
        """The gallery that the stream processor would search, if any."""
        return self.gallery_id

    def completed(self, mandate: Mandate, tools: Tools) -> Self:
        """With the gallery of the stream processor that has this name."""
        processor = tools.jobs.processors.find(mandate.mandate_id, self.processor)
        searched = processor.description.get("gallery") if processor is not None else None
        return replace(self, gallery_id=searched)  # type: ignore[type-var]  # every subclass is a dataclass

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def private(self) -> Mapping[str, JSON]:
        """Which stream processor, which gallery."""
        return {"processor": self.processor, "gallery": self.gallery_id}


@dataclass(frozen=True, slots=True)
class CreateStreamProcessor(_OfProcessor[None]):
    """Keep a stream processor that would search `gallery_id`; `InUse` if the name is taken.

    description: its input, output and settings, as they were sent.
    """

    processor: str
    gallery_id: str
    description: Mapping[str, JSON]
    tags: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "create_stream_processor"
    action: ClassVar[Action] = Action.MANAGE

    def completed(self, mandate: Mandate, tools: Tools) -> Self:
        """Unchanged: it names its gallery itself."""
        return self

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Keep it."""
        try:
            tools.gallery.size(self.gallery_id)
        except NotFound as error:  # Rekognition's CreateStreamProcessor has no other error for it
            raise BadRequest(str(error)) from error
        description = {**self.description, "gallery": self.gallery_id}
        tools.jobs.processors.create(permit.mandate.mandate_id, self.processor, description, self.tags)


@dataclass(frozen=True, slots=True)
class DescribeStreamProcessor(_OfProcessor[StreamProcessor]):
    """The stream processor of that name; `NotFound`."""

    processor: str
    gallery_id: str | None = None
    name: ClassVar[str] = "describe_stream_processor"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> StreamProcessor:
        """Read it."""
        return tools.jobs.processors.describe(permit.mandate.mandate_id, self.processor)


@dataclass(frozen=True, slots=True)
class ListStreamProcessors(Operation[None, Page[StreamProcessor]]):
    """At most `limit` of the mandate's stream processors after `after`, oldest first."""

    after: str | None = None
    limit: int = 1000
    name: ClassVar[str] = "list_stream_processors"
    action: ClassVar[Action] = Action.READ

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[StreamProcessor]:
        """Read a page."""
        return tools.jobs.processors.list(permit.mandate.mandate_id, self.after, self.limit)

    def counts(self, result: Page[StreamProcessor]) -> Mapping[str, JSON]:
        """How many."""
        return {"processors": len(result.items)}


@dataclass(frozen=True, slots=True)
class UpdateStreamProcessor(_OfProcessor[None]):
    """Change parts of the description: `changes` replace what is there, `removed` goes; `NotFound`."""

    processor: str
    changes: Mapping[str, JSON]
    removed: tuple[str, ...] = ()
    gallery_id: str | None = None
    name: ClassVar[str] = "update_stream_processor"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Change it."""

        def change(description: dict[str, JSON]) -> None:
            description.update(self.changes)
            for each in self.removed:
                description.pop(each, None)

        tools.jobs.processors.update(permit.mandate.mandate_id, self.processor, change)


@dataclass(frozen=True, slots=True)
class DeleteStreamProcessor(_OfProcessor[None]):
    """Delete the stream processor of that name; `NotFound`."""

    processor: str
    gallery_id: str | None = None
    name: ClassVar[str] = "delete_stream_processor"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Delete it."""
        tools.jobs.processors.delete(permit.mandate.mandate_id, self.processor)


class _NeedsLiveStream(_OfProcessor[NoReturn]):
    """What live streams would do. Where they are enabled, each needs an `act` of its own."""

    __slots__ = ()

    def act(self, tools: Tools, permit: Permit, seen: None) -> NoReturn:
        """Refuse."""
        tools.jobs.processors.describe(permit.mandate.mandate_id, self.processor)
        raise NotOffered(NOT_ENABLED)


@dataclass(frozen=True, slots=True)
class StartStreamProcessor(_NeedsLiveStream):
    """Would start a live search: `NotOffered`, or `NotFound` if there is no stream processor of that name."""

    processor: str
    gallery_id: str | None = None
    name: ClassVar[str] = "start_stream_processor"
    action: ClassVar[Action] = Action.MANAGE


@dataclass(frozen=True, slots=True)
class StopStreamProcessor(_NeedsLiveStream):
    """Would stop a live search: `NotOffered`, or `NotFound` if there is no stream processor of that name."""

    processor: str
    gallery_id: str | None = None
    name: ClassVar[str] = "stop_stream_processor"
    action: ClassVar[Action] = Action.MANAGE
