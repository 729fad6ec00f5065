"""The obligations of one permit, grouped by what the guard does about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from countenance.policy import Action
from countenance.policy.obligations import (
    AuthoriseWithin,
    BlurOthers,
    CarryLabel,
    Count,
    DeleteNonMatches,
    KeepAtMost,
    KeepRecord,
    Obligation,
    Reviewers,
    ShredOnRefusal,
    Tell,
    words,
)

_REVIEWABLE = (Action.IDENTIFY, Action.VERIFY)


@dataclass(frozen=True, slots=True)
class Duties:
    """What a permit obliges the server to do.

    reviewers: how many people must verify the result first. authorise_within: time to request authorisation.
    keep_at_most: days until enrolled templates are erased, and the clause that demands it.
    labels: words that the answer carries. texts: all obligations in words. clauses: those that hold the result back.
    unenforceable: obligations that this server cannot enforce for this operation.
    keeps_probes: whether budgets may keep a sealed sketch of a probe; False if non-matches must be deleted.
    """

    texts: tuple[str, ...]
    clauses: tuple[str, ...]
    reviewers: int
    authorise_within: timedelta | None
    keep_at_most: tuple[int, str] | None
    labels: tuple[str, ...]
    unenforceable: tuple[str, ...]
    keeps_probes: bool = True

    @classmethod
    def of(cls, obligations: Iterable[Obligation], action: Action) -> Duties:
        """The duties that `obligations` impose on `action`; the strictest of several of one kind."""
        reviewers, within, keep = 0, None, None
        holding, labels, unenforceable = [], [], []
        every = tuple(obligations)
        for each in every:
            match each:
                case Reviewers(count, clause):
                    reviewers = max(reviewers, count)
                    holding.append(clause)
                    if action not in _REVIEWABLE:
                        unenforceable.append(words(each))
                case AuthoriseWithin(hours, clause):
                    term = timedelta(hours=hours)
                    within = term if within is None else min(within, term)
                    holding.append(clause)
                case KeepAtMost(days, clause):
                    keep = (days, clause) if keep is None else min(keep, (days, clause))
                case CarryLabel(label):
                    labels.append(str(label))
                case ShredOnRefusal() | Count() | KeepRecord() | DeleteNonMatches() | Tell():
                    pass  # refusing shreds, entries are counted and kept, probes are never stored, telling is listed
                case BlurOthers() if action in (Action.IDENTIFY, Action.REDACT):
                    pass  # a search returns no picture, or one in which everybody else is covered
                case BlurOthers():
                    unenforceable.append(words(each))
        return cls(
            texts=tuple(dict.fromkeys(map(words, every))),
            clauses=tuple(dict.fromkeys(holding)),
            reviewers=reviewers,
            authorise_within=within,
            keep_at_most=keep,
            labels=tuple(dict.fromkeys(labels)),
            unenforceable=tuple(unenforceable),
            keeps_probes=not any(isinstance(each, DeleteNonMatches) for each in every),
        )

    @property
    def holds(self) -> bool:
        """Whether the result goes into custody."""
        return self.reviewers > 0 or self.authorise_within is not None

    def authorise_by(self, now: datetime) -> datetime | None:
        """The deadline for requesting authorisation, if the use began at `now`."""
        return None if self.authorise_within is None else now + self.authorise_within

    def headers(self) -> Mapping[str, str]:
        """The labels, as headers of the answer."""
        return {"x-countenance-label": ", ".join(self.labels)} if self.labels else {}
