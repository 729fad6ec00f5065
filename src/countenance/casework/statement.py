"""The text of an exported lead: how it was found, what the search cannot show, who judged it, other evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from countenance.casework.cases import Case, CaseSearch, ExportUse, IndependentEvidence, SearchKind
from countenance.casework.grades import LeadConclusion

TAINT = (
    "This case holds leads of a face search. What is found by following a lead is not independent of it, and says so "
    "wherever it is used."
)
_USES = {ExportUse.LINE_UP: "for a line-up", ExportUse.WARRANT: "for the text of a warrant"}


def export_text(
    case: Case,
    search: CaseSearch,
    conclusion: LeadConclusion,
    every: Sequence[LeadConclusion],
    evidence: Sequence[IndependentEvidence],
    use: ExportUse,
    by: str,
    at: datetime,
) -> str:
    """Plain text in English, to be passed on whole.

    every: the conclusions on all leads of the search; none without a review.
    """
    lead, given = search.leads[conclusion.place], case.authorisation
    upheld = sum(each.upheld for each in every)
    lines = [
        f"A LEAD OF A FACE SEARCH, {_USES[use].upper()}",
        "",
        "A lead is no identification and no probable cause. Nobody is stopped, arrested or accused on it alone.",
        "",
        f"Case {case.case_id}: {case.purpose}; {case.offence}",
        f"Authorised by {given.authority}, {given.reference}, until {_moment(given.until)}",
        f"Exported by {by}, {_moment(at)}",
        "",
        "HOW THE LEAD CAME ABOUT",
        *_origin(search, conclusion.place),
        f"Its similarity is {lead.similarity:.1f} of 100. Strangers are as similar in {two_digits(lead.fmr)} of "
        "comparisons, in the group that the model serves worst.",
    ]
    if every:
        lines += [
            f"People judged each lead blind: {upheld} of {len(every)} leads were upheld. Of this lead:",
            *(f"  {each.reviewer}: {each.grade}, {_moment(each.at)}" for each in conclusion.judgements),
            f"  together: {conclusion.grade}",
        ]
    else:
        lines.append("The rules in force asked for no blind review, and there was none.")
    lines += [
        "",
        "WHAT THE SEARCH CANNOT SAY",
        *_limits(search),
        f"- Evidence of the model's error: {search.evidence}.",
        *([f"- {search.worst}"] if search.worst else []),
        *(f"- The face searched with: {each}." for each in search.quality.limits),
        *(f"- The face of the second picture: {each}." for each in (search.other.limits if search.other else ())),
        "",
        "INDEPENDENT EVIDENCE ON RECORD (entered as found without this lead)",
        *(f"- {each.kind}: {each.what} (entered by {each.by}, {_moment(each.at)})" for each in evidence),
        "",
        TAINT,
        f"Receipt of the search: {search.receipt}",
        "",
    ]
    return "\n".join(lines)


def two_digits(value: float) -> str:
    """A false match rate, or an expected number, in two significant digits: evidence carries no more."""
    rounded = float(f"{value:.1e}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}"


def _origin(search: CaseSearch, place: int) -> list[str]:
    """Where the lead comes from."""
    lead, at = search.leads[place], _moment(search.asked_at)
    lines = []
    if search.seen_in:
        times = ", ".join(f"{_clock(start)} to {_clock(end)}" for start, end in search.seen_in.spans)
        lines.append(
            f"The face searched with is person {search.seen_in.person + 1} of the video {search.seen_in.video_id}, "
            f"seen from {times}; the best view, at {_clock(search.seen_in.best_ms)}, was used."
        )
    if search.cropped:
        lines.append(f"Of the picture, only a part was used: {search.cropped}.")
    if search.kind is SearchKind.PICTURE:
        return [
            *lines,
            f"A computer (model {search.version}) compared a face of each of two pictures of this case on {at}. No "
            "gallery was searched, and no name comes from this comparison.",
        ]
    others = len(search.leads) - 1
    return [
        f"Lead: {lead.name} (face {lead.face_id})",
        *lines,
        f"A computer (model {search.version}) searched the gallery {search.gallery_id} of {search.size:,} faces on "
        f"{at} for whoever is most similar. Its pictures come from: {search.provenance}.",
        f"This lead was number {place + 1} of {len(search.leads)}.",
        f"The search named {others} other{'' if others == 1 else 's'}; they are part of what has to be disclosed.",
    ]


def _limits(search: CaseSearch) -> list[str]:
    expected = two_digits(search.expected)
    if search.kind is SearchKind.PICTURE:
        return [
            "- Similar is not the same person: relatives and strangers can be as similar.",
            f"- Strangers reach the least similarity of this comparison in up to {expected} of comparisons.",
        ]
    return [
        "- The first of a list is the most similar of those in the gallery, also where the right person is not in it.",
        f"- In this gallery up to {expected} innocent people are expected to be similar enough by chance.",
    ]


def _clock(moment_ms: int) -> str:
    seconds = moment_ms // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
