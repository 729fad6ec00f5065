"""Evidence of presentation attack detection: what one version of a check lets through and whom it stops, until a date.

An operator accepts an outside check on it. It names the check as its audits' plans do, by name, version and provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from countenance.audit.bundle import Bundle
from countenance.audit.evidence.statement import Vouched, check_asked, check_seal, json_of, seal_of
from countenance.audit.formats.codec import from_json, stamp, to_json
from countenance.audit.formats.plan import System
from countenance.audit.formats.results import PresentationResults
from countenance.errors import BadRequest
from countenance.signing import Signer, canonical

PAD_FORMAT: Literal["countenance-pad-evidence/1"] = "countenance-pad-evidence/1"


@dataclass(frozen=True, slots=True)
class PadAudit:
    """One audit that the evidence rests on."""

    title: str
    bundle: Annotated[str, "hash that names the audit bundle"]
    signer: Annotated[str, "public key that signed the bundle, hex"]
    preregistered: bool
    people: int
    population: str
    conditions: str
    labelled_by: str
    results: Annotated[PresentationResults, "APCER by species, BPCER and non-responses, for everybody and by group"]
    limits: Annotated[tuple[str, ...], "what this audit cannot show"]
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PadEvidence(Vouched):
    """Audits of one system's presentation attack detection, vouched for by an issuer until a date.

    Times are ISO 8601 UTC.
    """

    system: System
    issued_at: str
    expires_at: str
    operational: Annotated[bool, "whether it was tested in the conditions that it is used in"]
    independent: Annotated[bool, "whether the issuer is neither the system's maker nor its operator"]
    audits: tuple[PadAudit, ...]
    issuer: Annotated[str, "raw Ed25519 public key that signs this evidence, hex"]
    format: Literal["countenance-pad-evidence/1"] = PAD_FORMAT

    @property
    def highest_apcer(self) -> float | None:
        """Upper bound of the highest APCER, over species and audits."""
        ends = [one.bounds.high for audit in self.audits for one in audit.results.everybody.highest]
        return max((end for end in ends if end is not None), default=None)

    @property
    def highest_bpcer(self) -> float | None:
        """Upper bound of the BPCER of the group that is stopped most; None where no group's is known."""
        shares = [g.bpcer for audit in self.audits for a in audit.results.analyses for g in a.groups]
        return max((share.high for share in shares if share.high is not None), default=None)


@dataclass(frozen=True, slots=True)
class SealedPad:
    """An evidence file: a statement and the issuer's signature over its canonical JSON."""

    statement: PadEvidence
    signature: str
    algorithm: Literal["Ed25519"] = "Ed25519"


def issue_pad_evidence(
    bundles: Sequence[Bundle],
    issued: datetime,
    expires: datetime,
    signer: Signer,
    *,
    operational: bool = False,
    independent: bool = False,
) -> bytes:
    """Sign `bundles` as evidence about the one system that they audit; returns the evidence file's bytes.

    operational, independent: what the issuer vouches for, see `PadEvidence`.
    BadRequest: no bundle, or one with problems, not about presentation attack detection, of another system or version,
    or without any rate of attacks and of bona fide presentations; dates in disorder.
    """
    check_asked(bundles, issued, expires)
    system = bundles[0].results.system
    statement = PadEvidence(
        system, stamp(issued), stamp(expires), operational, independent,
        tuple(_audit(bundle, system) for bundle in bundles), signer.public.hex(),
    )  # fmt: skip
    return canonical(to_json(SealedPad(statement, seal_of(statement, signer))))


def _audit(bundle: Bundle, system: System) -> PadAudit:
    if bundle.problems:
        raise BadRequest(f"no evidence from a bundle that is not what was signed: {bundle.problems[0]}")
    presentations = bundle.results.presentations
    if presentations is None:
        raise BadRequest("evidence of attack detection rests on audits of presentations; this bundle is none")
    if bundle.results.system != system or "not stated" in (system.name, system.version):
        raise BadRequest("evidence is about one version of one system; the plans of its audits must name it alike")
    if not presentations.everybody.highest or not presentations.everybody.bpcer.known:
        raise BadRequest("insufficient evidence: the audit has no rate of attacks, or none of bona fide presentations")
    results = bundle.results
    return PadAudit(
        results.title, bundle.hash, bundle.signer, results.preregistered, results.data.people, results.population,
        results.conditions, results.labelled_by, presentations, results.limits, results.untold,
    )  # fmt: skip


def read_pad_evidence(content: bytes) -> PadEvidence:
    """Read an evidence file. BadRequest: not such evidence, or not signed by the issuer that it names.

    Whether the issuer is trusted, and the dates, are for the caller to decide.
    """
    sealed = from_json(SealedPad, json_of(content), "evidence")
    check_seal(sealed.statement, sealed.signature)
    return sealed.statement


def pad_agrees_with(evidence: PadEvidence, bundle: Bundle) -> tuple[str, ...]:
    """Why this evidence cannot rest on `bundle`; empty if it does."""
    problems = list(bundle.problems)
    audit = next((audit for audit in evidence.audits if audit.bundle == bundle.hash), None)
    if audit is None:
        problems.append("the evidence does not rest on this bundle")
    elif audit.results != bundle.results.presentations:
        problems.append("the evidence says other numbers than the bundle")
    return tuple(problems)
