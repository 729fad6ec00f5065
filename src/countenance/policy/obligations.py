"""What a permit obliges the server or its user to do, as values.

In a pack they are one annotation, `@obligation("reviewers 2; authorise-within 24h; shred-on-refusal")`:

    reviewers N            nothing is released before N people, each on their own, have verified it
    authorise-within Nh    authorisation has to be requested within N hours of the first use, or the result is frozen
    shred-on-refusal       when authorisation is refused, use stops and data, results and outputs are destroyed
    count NAME             counts towards the report NAME
    keep-at-most Nd        templates are destroyed after N days
    keep-record Nd         the record of this use is kept at least N days
    delete-non-matches     templates that match nobody are destroyed at once
    blur-others            faces below the threshold are blurred before anybody sees them
    tell WHOM              defence | court | subjects | authorities | public | workers is told
    label NAME             the answer carries the words NAME: not-probable-cause | not-sole-basis | lead-only
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Addressee(StrEnum):
    """Who has to be told."""

    DEFENCE = "defence"
    COURT = "court"
    SUBJECTS = "subjects"
    AUTHORITIES = "authorities"
    PUBLIC = "public"
    WORKERS = "workers"


class Label(StrEnum):
    """Words that an answer has to carry."""

    NOT_PROBABLE_CAUSE = "not-probable-cause"
    NOT_SOLE_BASIS = "not-sole-basis"
    LEAD_ONLY = "lead-only"


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Nothing is released before `count` people, each on their own, have verified it."""

    count: int
    clause: str


@dataclass(frozen=True, slots=True)
class AuthoriseWithin:
    """Authorisation has to be requested within `hours` of the first use, or the result is frozen."""

    hours: int
    clause: str


@dataclass(frozen=True, slots=True)
class ShredOnRefusal:
    """When authorisation is refused, use stops and data, results and outputs are destroyed."""

    clause: str


@dataclass(frozen=True, slots=True)
class Count:
    """The use counts towards the report named `counter`."""

    counter: str
    clause: str


@dataclass(frozen=True, slots=True)
class KeepAtMost:
    """Templates are destroyed after `days`."""

    days: int
    clause: str


@dataclass(frozen=True, slots=True)
class KeepRecord:
    """The record of this use is kept at least `days`."""

    days: int
    clause: str


@dataclass(frozen=True, slots=True)
class DeleteNonMatches:
    """Templates that match nobody are destroyed at once."""

    clause: str


@dataclass(frozen=True, slots=True)
class BlurOthers:
    """Faces below the threshold are blurred before anybody sees them."""

    clause: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Somebody has to be told of this use."""

    whom: Addressee
    clause: str


@dataclass(frozen=True, slots=True)
class CarryLabel:
    """The answer carries these words."""

    label: Label
    clause: str


Obligation = (
    Reviewers
    | AuthoriseWithin
    | ShredOnRefusal
    | Count
    | KeepAtMost
    | KeepRecord
    | DeleteNonMatches
    | BlurOthers
    | Tell
    | CarryLabel
)


def obligations(text: str, clause: str) -> tuple[Obligation, ...]:
    """The obligations in an annotation's `text`, each marked with the `clause` it comes from; ValueError otherwise."""
    return tuple(_obligation(part.strip(), clause) for part in text.split(";") if part.strip())


def _obligation(text: str, clause: str) -> Obligation:
    verb, _, rest = text.partition(" ")
    match verb:
        case "reviewers":
            return Reviewers(_number(rest, ""), clause)
        case "authorise-within":
            return AuthoriseWithin(_number(rest, "h"), clause)
        case "shred-on-refusal" if not rest:
            return ShredOnRefusal(clause)
        case "count" if re.fullmatch(r"[a-z0-9.-]+", rest):
            return Count(rest, clause)
        case "keep-at-most":
            return KeepAtMost(_number(rest, "d"), clause)
        case "keep-record":
            return KeepRecord(_number(rest, "d"), clause)
        case "delete-non-matches" if not rest:
            return DeleteNonMatches(clause)
        case "blur-others" if not rest:
            return BlurOthers(clause)
        case "tell":
            return Tell(Addressee(rest), clause)
        case "label":
            return CarryLabel(Label(rest), clause)
    raise ValueError(f"there is no obligation {text!r}")


def _number(text: str, unit: str) -> int:
    match = re.fullmatch(rf"([1-9][0-9]{{0,5}}){unit}", text)
    if not match:
        raise ValueError(
            f"an obligation's number is a positive whole number{' and ' + unit if unit else ''}, got {text!r}"
        )
    return int(match[1])


def words(obligation: Obligation) -> str:
    """The obligation in its annotation's words."""
    match obligation:
        case Reviewers(count):
            return f"reviewers {count}"
        case AuthoriseWithin(hours):
            return f"authorise-within {hours}h"
        case ShredOnRefusal():
            return "shred-on-refusal"
        case Count(counter):
            return f"count {counter}"
        case KeepAtMost(days):
            return f"keep-at-most {days}d"
        case KeepRecord(days):
            return f"keep-record {days}d"
        case DeleteNonMatches():
            return "delete-non-matches"
        case BlurOthers():
            return "blur-others"
        case Tell(whom):
            return f"tell {whom}"
        case CarryLabel(label):
            return f"label {label}"
