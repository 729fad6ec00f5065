"""The signed audits that this installation trusts, as facts for the rules.

It trusts the project's own evidence, and files `*.evidence.json` in the operator's folder that are signed by a key
whose public half (64 hex digits) lies in the same folder as `*.pub`. Evidence about another model or calibration does
not count. A file that cannot be read stops the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from countenance.audit.evidence import Evidence, read_evidence, shipped_evidence
from countenance.errors import BadRequest, Misconfigured
from countenance.policy import EvidenceFacts
from countenance.scoring import Calibration


def trusted_evidence(folder: Path | None, *, shipped: bool = True) -> tuple[Evidence, ...]:
    """The evidence in `folder`, signed by keys in the same folder, and, if `shipped`, the project's own."""
    project = shipped_evidence() if shipped else ()
    if folder is None:
        return project
    issuers = trusted_issuers(folder)
    own = []
    for path in sorted(folder.glob("*.evidence.json")):
        try:
            evidence = read_evidence(path.read_bytes())
        except BadRequest as error:
            raise Misconfigured(f"{path.name} is no evidence: {error}") from error
        if evidence.issuer not in issuers:
            raise Misconfigured(f"{path.name} is signed by {evidence.issuer[:16]}…, whose key does not lie beside it")
        own.append(evidence)
    return (*own, *project)


def trusted_issuers(folder: Path | None) -> frozenset[str]:
    """The public keys, hex, in `folder`: the issuers, besides the project, whose evidence is trusted here."""
    if folder is None:
        return frozenset()
    return frozenset(path.read_text().strip().lower() for path in sorted(folder.glob("*.pub")))


def evidence_facts(every: Iterable[Evidence], model: str, calibration: str, now: datetime) -> EvidenceFacts:
    """The facts in the best evidence about exactly this model and calibration at `now`; unsigned if there is none.

    The best evidence distinguishes the most groups; of several, it covers the highest false match rate.
    """
    best = best_evidence(every, model, calibration, now)
    if best is None:
        return EvidenceFacts(signed=False)
    return EvidenceFacts(
        signed=True,
        model=best.subject.model,
        calibration=best.subject.calibration,
        fmr=best.subject.threshold_fmr,
        fmr_worst=best.highest_fmr,
        tpr_min=best.lowest_tpr,
        groups=_factors(best),
        expires_at=datetime.fromisoformat(best.expires_at),
        operational=best.operational,
        independent=best.independent,
    )


@dataclass(frozen=True, slots=True)
class WorstGroup:
    """What the evidence measured of the group with the highest false match rate, at the threshold that it tested.

    fmr: errors / trials, 0..1; high: the upper bound of that. similarity: the threshold, 0..100. people: how many of
    the group were tested. until: when the evidence ends. issuer: hex of the public key that signed it.
    """

    factor: str
    group: str
    fmr: float
    high: float
    similarity: float
    people: int
    until: datetime
    issuer: str


def worst_group(every: Iterable[Evidence], calibration: Calibration, now: datetime) -> WorstGroup | None:
    """The group served worst by the best evidence that is in date; None where there is none, or it knows no rate."""
    best = best_evidence(every, calibration.model, calibration.identity, now)
    if best is None or not best.in_date(now):
        return None
    known = [g for g in best.groups if g.fmr.high is not None and g.fmr.estimate is not None]
    if not known:
        return None
    worst = max(known, key=lambda g: (g.fmr.high or 0.0, g.factor, g.group))
    return WorstGroup(
        worst.factor,
        worst.group,
        worst.fmr.estimate or 0.0,
        worst.fmr.high or 0.0,
        round(float(calibration.similarity(calibration.score_at_fmr(best.subject.threshold_fmr))), 6),
        worst.people,
        best.expires,
        best.issuer,
    )


def evidence_summary(every: Iterable[Evidence], model: str, calibration: str, now: datetime) -> str:
    """One line shown when the server starts: the best evidence for model and calibration, or what is missing."""
    best = evidence_facts(every, model, calibration, now)
    exact = f"exactly model {model[:8]} and calibration {calibration[:8]}"
    if not best.signed or best.expires_at is None:
        return f"none for {exact}: rules that ask for it will refuse to identify (1:N)"
    until = best.expires_at.date().isoformat()
    if best.expires_at <= now:
        return f"for {exact} it ended on {until}: rules that ask for it will refuse to identify (1:N)"
    return f"in date until {until}, for similarities of a false match rate of {best.fmr:g} and less"


def best_evidence(every: Iterable[Evidence], model: str, calibration: str, now: datetime) -> Evidence | None:
    """Of the evidence about exactly this model and calibration, the best that is in date; the best of all where none
    is; None where there is none.
    """
    fitting = [e for e in every if (e.subject.model, e.subject.calibration) == (model, calibration)]
    current = [e for e in fitting if e.in_date(now)] or fitting
    return max(current, key=lambda e: (len(_factors(e)), e.subject.threshold_fmr), default=None)


def _factors(evidence: Evidence) -> frozenset[str]:
    return frozenset(group.factor for group in evidence.groups if group.fmr.known)
