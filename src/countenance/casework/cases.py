"""A case, its authorisations, its searches and their leads, as values without storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from countenance.errors import BadRequest
from countenance.signing import JSON

LONGEST = timedelta(days=366)
"""An authorisation lasts no longer than this."""


class SearchOutcome(StrEnum):
    """What a search in a case came to."""

    LEADS = "leads"
    NOBODY = "nobody"
    UNFIT = "unfit"
    """the picture is not good enough for a search"""


class SearchKind(StrEnum):
    """What a face was compared with."""

    GALLERY = "gallery"
    PICTURE = "picture"
    """the face of another picture of the case: one-to-one, with at most one lead"""


class EvidenceKind(StrEnum):
    """The source of independent evidence: never the face search, or what followed from it alone."""

    WITNESS = "witness"
    PHYSICAL = "physical"
    DOCUMENT = "document"
    PLACE = "place"
    OTHER = "other"


class ExportUse(StrEnum):
    """What a lead may leave the case for."""

    LINE_UP = "line-up"
    WARRANT = "warrant"


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Who authorised searches in a case, under which reference, until when (UTC). entered_by: an operator's name."""

    authority: str
    reference: str
    until: datetime
    entered_by: str

    def __post_init__(self) -> None:
        if not (self.authority and self.reference):
            raise BadRequest("an authorisation names its authority and its reference")

    def check_term(self, now: datetime) -> None:
        """`BadRequest` unless it ends after `now` and within a year."""
        if not now < self.until <= now + LONGEST:
            raise BadRequest(f"an authorisation ends after now and within {LONGEST.days} days")

    def json(self) -> dict[str, JSON]:
        """For a record."""
        return {**asdict(self), "until": self.until.isoformat()}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Authorisation:
        """From a record."""
        return cls(**{**value, "until": datetime.fromisoformat(value["until"])})


@dataclass(frozen=True, slots=True)
class Case:
    """A case. purpose, offence: what it is about. arose_from: the case that led to it, if any. Times are UTC.

    authorisations: in the order of their entry; the last one is in force.
    """

    case_id: str
    mandate_id: str
    opened_by: str
    opened_at: datetime
    purpose: str
    offence: str
    arose_from: str
    authorisations: tuple[Authorisation, ...]
    closed_at: datetime | None = None

    @property
    def authorisation(self) -> Authorisation:
        """The authorisation in force: the last one."""
        return self.authorisations[-1]


@dataclass(frozen=True, slots=True)
class ProbeQuality:
    """Measurements of the probe's picture. limits: why the search's error may be higher than was measured."""

    size_px: float
    sharpness: float
    brightness: float
    yaw: float
    limits: tuple[str, ...]

    def json(self) -> dict[str, JSON]:
        """For a record."""
        return {**asdict(self), "limits": list(self.limits)}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> ProbeQuality:
        """From a record."""
        return cls(**{**value, "limits": tuple(value["limits"])})


@dataclass(frozen=True, slots=True)
class VideoSight:
    """When a person of a video of the case is seen, in milliseconds from its start.

    person: index in the video. best_ms: the moment of the best view. spans: (from, to) of each time in view.
    """

    video_id: str
    person: int
    best_ms: int
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> VideoSight:
        """From a record."""
        return cls(**{**value, "spans": tuple((start, end) for start, end in value["spans"])})


@dataclass(frozen=True, slots=True)
class CaseVideo:
    """A stored video of a case. job: the one that finds its people. people: whose best views are kept, in the order of
    their first appearance; None before they were taken. left_out: how many more there are. until: when they are erased.
    """

    video_id: str
    case_id: str
    asked_by: str
    asked_at: datetime
    bucket: str
    name: str
    job: str
    people: tuple[VideoSight, ...] | None = None
    left_out: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseLead:
    """One candidate. similarity: 0..100. fmr: 0..1, of the group served worst."""

    face_id: str
    name: str
    similarity: float
    fmr: float


@dataclass(frozen=True, slots=True)
class CaseSearch:
    """A search in a case, or a comparison of two of its pictures, and its outcome. reviewers: how many people must
    judge each lead blind; 0 if the rules demand none. hold: its id in custody. least: the least similarity. expected:
    how many innocent people chance alone would name. worst: a sentence about the group that the evidence shows to be
    served worst. says: why a picture is not good enough. gallery_id: empty for a comparison. cropped: which part of the
    picture was used; empty for the whole. seen_in: of a person of a video. other: of the other picture of a comparison.
    request: a digest of what was asked.
    """

    search_id: str
    case_id: str
    asked_by: str
    asked_at: datetime
    gallery_id: str
    provenance: str
    outcome: SearchOutcome
    says: str
    hold: str
    reviewers: int
    least: float
    size: int
    expected: float
    version: str
    evidence: str
    worst: str
    receipt: str
    quality: ProbeQuality
    leads: tuple[CaseLead, ...]
    kind: SearchKind = SearchKind.GALLERY
    cropped: str = ""
    seen_in: VideoSight | None = None
    other: ProbeQuality | None = None
    request: str = ""

    def json(self) -> dict[str, JSON]:
        """For a record."""
        value = asdict(replace(self, leads=()))
        for name in ("search_id", "case_id", "asked_at"):
            del value[name]
        return {
            **value,
            "outcome": str(self.outcome),
            "quality": self.quality.json(),
            "other": self.other.json() if self.other else None,
            "leads": [asdict(each) for each in self.leads],
            "kind": str(self.kind),
            "seen_in": sight_json(self.seen_in),
        }

    @classmethod
    def of(cls, search_id: str, case_id: str, at: datetime, value: Mapping[str, Any]) -> CaseSearch:
        """From a record."""
        quality = ProbeQuality.of(value["quality"])
        leads = tuple(CaseLead(**each) for each in value["leads"])
        more = {**value, "outcome": SearchOutcome(value["outcome"]), "quality": quality, "leads": leads}
        more["kind"] = SearchKind(value.get("kind", SearchKind.GALLERY))  # records from before have none
        more["other"] = ProbeQuality.of(value["other"]) if value.get("other") else None
        more["seen_in"] = VideoSight.of(value["seen_in"]) if value.get("seen_in") else None
        return cls(search_id=search_id, case_id=case_id, asked_at=at, **more)


def sight_json(sight: VideoSight | None) -> JSON:
    """For a record."""
    return None if sight is None else {**asdict(sight), "spans": [list(each) for each in sight.spans]}


@dataclass(frozen=True, slots=True)
class IndependentEvidence:
    """Evidence for a lead that was found without it. what: in words, with its source. by: who entered it."""

    kind: EvidenceKind
    what: str
    by: str
    at: datetime
