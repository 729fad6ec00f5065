"""What is asked and answered about blind reviews: pairs, judgements, reviewers' rates and known pairs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import Field

from countenance.wire.cases import GradeWord
from countenance.wire.faces import Encoded
from countenance.wire.values import Closed, Lines, Text, Word

Finding: TypeAlias = Literal["similar", "different", "unclear"]
"""What two pictures show of one component; unclear: not visible well enough in one of them."""


class LookedBody(Closed):
    """What of the first picture can be compared, said before the second is shown."""

    visible: list[Word] = Field(max_length=50, description="Ids of components; `GET /v1/reviews/form` lists them.")


class JudgementBody(Closed):
    """A judgement of a pair. It stands."""

    grade: GradeWord = Field(description="What you conclude; insufficient is a conclusion.")
    features: dict[str, Finding] = Field(
        max_length=50, description="What the pictures show, by component; one at least that could be compared."
    )
    remarks: Lines | None = Field(None, description="More in words.")


class RightBody(Closed):
    """A reviewer whose right to review is given back."""

    reviewer: Text = Field(description="The reviewer's name.")
    why: Text = Field(description="What has changed.")


class KnownPairBody(Closed):
    """Two pictures whose truth is known. The largest face of each is kept."""

    mandate_id: str = Field(pattern=r"^mandate-[0-9a-f]{12}$", description="A mandate of yours in force.")
    first: Encoded = Field(description="One picture, in base64.")
    second: Encoded = Field(description="The other, in base64.")
    same: bool = Field(description="Whether they show the same person.")


class PairShown(Closed):
    """A pair that you were given: nothing of its case, of a score, a rank, a name or another's answer."""

    pair_id: str = Field(description="Its id.")
    looked: bool = Field(description="Whether you have described the first picture alone.")
    visible: list[str] = Field(description="The components that you found visible in it.")
    judged: GradeWord | None = Field(description="What you concluded.")
    same: bool | None = Field(description="The truth, once you judged a known pair; null for all others.")


class NextPair(Closed):
    """The pair to judge now."""

    pair: PairShown | None = Field(description="Null if none waits for you.")


class ComponentShown(Closed):
    """A part of the face to compare."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    looks_at: str = Field(description="Which of its features.")


class ReviewForm(Closed):
    """What a judgement is made of."""

    components: list[ComponentShown] = Field(description="From the top of the face down.")
    grades: list[GradeWord] = Field(description="From the same person to different people, then insufficient.")


class RateOfReviewer(Closed):
    """How often a reviewer was wrong on known pairs."""

    errors: int = Field(description="How many were wrong.")
    pairs: int = Field(description="Of how many.")
    low: float = Field(description="The lower end of the Wilson interval of 95 %.")
    high: float = Field(description="Its upper end.")
    limit: float = Field(description="Above this rate, from ten pairs on, the right to review ends.")


class ReviewerShown(Closed):
    """A reviewer."""

    reviewer: str = Field(description="The name.")
    judged: int = Field(description="How many pairs were judged.")
    false_accept: RateOfReviewer = Field(description="Strangers taken for the same person.")
    false_reject: RateOfReviewer = Field(description="The same person taken for strangers.")
    ended: str | None = Field(description="Why the right to review ended; null while it holds.")
    since: datetime | None = Field(description="From when rates count, UTC; null: from the first pair.")


class OwnReviews(Closed):
    """One's own reviewing."""

    me: ReviewerShown = Field(description="Your rates.")
    waits: bool = Field(description="Whether a pair waits for you.")


class ReviewerList(Closed):
    """All reviewers."""

    reviewers: list[ReviewerShown] = Field(description="Everybody who was ever given a pair, by name.")


class KnownPairShown(Closed):
    """A known pair in use."""

    known_id: str = Field(description="Its id.")
    same: bool = Field(description="Whether it is the same person.")
    entered_by: str = Field(description="Who entered it; never given to them.")


class KnownPairList(Closed):
    """The known pairs."""

    pairs: list[KnownPairShown] = Field(description="In the order of entry.")


class KnownPairGone(Closed):
    """A known pair whose pictures were erased."""

    known_id: str = Field(description="Its id.")
