"""One shard: a part of the galleries that answers what a gateway asks. It runs as a Ray actor, and knows no Ray."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from countenance.errors import CountenanceError, Misconfigured
from countenance.gallery import FoundRows, GalleryHead, GalleryPart, GallerySearch
from countenance.gallery.search.chunk import Rows

_FOLLOW_S = 5.0
log = logging.getLogger(__name__)


class ShardQuestion(NamedTuple):
    """A search as it is sent to every shard; fields as in `GallerySearch.find`. identity: as in `ClusterPlan`."""

    identity: str
    gallery_id: str
    head: GalleryHead
    probes: Rows
    limit: int
    min_score: float
    without: int | None
    owned: bool


class ShardReply(NamedTuple):
    """A shard's answer: what it found, or nothing if the gallery changed too much, or an error by class and words.

    hits: numbers and scores of each probe's.
    """

    size: int = 0
    revision: int = -1
    hits: tuple[tuple[NDArray[np.int64], Rows], ...] | None = None
    error: str | None = None
    message: str = ""

    def found(self) -> FoundRows | None:
        """As `GallerySearch.find` returns it; an error is raised by whoever reads `error`."""
        if self.hits is None:
            return None
        hits = [list(zip(numbers.tolist(), scores.tolist(), strict=True)) for numbers, scores in self.hits]
        return FoundRows(self.size, self.revision, hits)


@dataclass(frozen=True, slots=True)
class Part:
    """An installation's part of the galleries, opened on a node. identity: of that installation."""

    identity: str
    part: GalleryPart


class Shard:
    """Answers for one part. open_part: see `PartOpener`; share: which one. Safe to call from several threads."""

    def __init__(self, open_part: Any, share: Any) -> None:
        self._share = share
        self._part: GalleryPart | None = None
        self._fault = ""
        self._identity = ""
        try:
            opened: Part = open_part(share)
            self._identity, self._part = opened.identity, opened.part
            opened.part.follow(_FOLLOW_S)
        except CountenanceError as error:  # it stays, and says so to whoever asks
            self._fault = f"a shard cannot open the installation on {socket.gethostname()}: {error}"
            log.error("%s", self._fault)

    def find(self, question: ShardQuestion) -> ShardReply:
        """The answer to a question; never an exception, which might carry more than it should."""
        try:
            if self._part is None:
                raise Misconfigured(self._fault)
            if question.identity != self._identity:
                raise Misconfigured(
                    f"the shard on {socket.gethostname()} belongs to another installation, or has another model, "
                    "normaliser or key: give its node the same settings, keys and calibration"
                )
            return answer(self._part, question)
        except CountenanceError as error:
            return ShardReply(error=type(error).__name__, message=str(error))
        except Exception as error:  # its words may hold anything
            log.error("a search failed with %s", type(error).__name__)
            return ShardReply(error=CountenanceError.__name__, message=f"a shard failed with {type(error).__name__}")

    def state(self) -> dict[str, Any]:
        """For people: where it runs, how many faces it holds, whether it has read all galleries, what is wrong."""
        held = {} if self._part is None else self._part.held()
        return {
            "node": socket.gethostname(),
            "pid": os.getpid(),
            "galleries": len(held),
            "faces": sum(held.values()),
            "loaded": self._part is not None and self._part.loaded,
            "fault": self._fault,
        }

    def drop(self, gallery_id: str) -> None:
        """A gallery was deleted."""
        if self._part is not None:
            self._part.forget(gallery_id)


def answer(part: GallerySearch, question: ShardQuestion) -> ShardReply:
    """What `part` finds, ready to be sent."""
    found = part.find(
        question.gallery_id,
        question.head,
        question.probes,
        question.limit,
        question.min_score,
        without=question.without,
        owned=question.owned,
    )
    if found is None:
        return ShardReply()
    return ShardReply(
        found.size,
        found.revision,
        tuple(
            (
                np.array([number for number, _ in hits], dtype=np.int64),
                np.array([score for _, score in hits], dtype=np.float32),
            )
            for hits in found.hits
        ),
    )
