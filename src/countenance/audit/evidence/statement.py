"""What evidence says, how it is signed, and how it is checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from countenance.audit.bundle import Bundle
from countenance.audit.rates import Share
from countenance.audit.records import from_json, to_json
from countenance.audit.running import stamp
from countenance.errors import BadRequest, NotFound
from countenance.signing import Signer, canonical, verified

FORMAT: Literal["countenance-evidence/1"] = "countenance-evidence/1"
_SHIPPED = Path(__file__).with_name("shipped")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the evidence is about: one model, compared in one way, at one threshold."""

    model: Annotated[str, "sha256 of the embedder's weights"]
    model_version: str
    normaliser: Annotated[str, "identity of the score normaliser, or 'raw'"]
    calibration: Annotated[str, "identity (sha256) of the calibration, or '' without one"]
    threshold_fmr: Annotated[float, "FMR that the threshold stands for"]
    threshold_score: Annotated[float, "the comparison score at that threshold"]


@dataclass(frozen=True, slots=True)
class GroupEvidence:
    """One group that the audit could tell something about."""

    factor: str
    group: str
    people: int
    fmr: Share
    fnmr: Share
    failures: Share


@dataclass(frozen=True, slots=True)
class Evidence:
    """An audit vouched for by its issuer, for one subject, until a date.

    Times are ISO 8601 UTC. groups: those with a known FMR, FNMR or failure rate; a rate that is not known says why.
    """

    subject: Subject
    title: str
    issued_at: str
    expires_at: str
    population: str
    conditions: str
    labelled_by: str
    fmr: Annotated[Share, "all comparisons of different people"]
    fnmr: Annotated[Share, "all comparisons of one person"]
    groups: tuple[GroupEvidence, ...]
    limits: Annotated[tuple[str, ...], "what this evidence cannot show"]
    untold: tuple[str, ...]
    bundle_hash: Annotated[str, "names the audit bundle that this rests on"]
    bundle_signer: Annotated[str, "public key, hex"]
    issuer: Annotated[str, "raw Ed25519 public key that signs this evidence, hex"]
    format: Literal["countenance-evidence/1"] = FORMAT

    def in_date(self, now: datetime) -> bool:
        """Whether `now` (with a time zone) lies within the dates."""
        return _moment(self.issued_at) <= now < _moment(self.expires_at)

    def covers(self, factor: str, group: str) -> bool:
        """Whether the group's FMR or FNMR is known."""
        return any((g.factor, g.group) == (factor, group) and (g.fmr.known or g.fnmr.known) for g in self.groups)

    @property
    def covered(self) -> tuple[str, ...]:
        """The groups covered, as 'factor=group'."""
        return tuple(f"{g.factor}={g.group}" for g in self.groups if g.fmr.known or g.fnmr.known)

    @property
    def highest_fmr(self) -> float | None:
        """Upper bound of the FMR of the group served worst; None where no group's is known."""
        return max((g.fmr.high for g in self.groups if g.fmr.high is not None), default=None)

    @property
    def lowest_tpr(self) -> float | None:
        """1 - FNMR of the group recognised worst, point estimate; None where no group's FNMR is known."""
        return min((1 - g.fnmr.estimate for g in self.groups if g.fnmr.estimate is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Sealed:
    statement: Evidence
    signature: str
    algorithm: Literal["Ed25519"] = "Ed25519"


def issue_evidence(bundle: Bundle, subject: Subject, issued: datetime, expires: datetime, signer: Signer) -> bytes:
    """Sign `bundle` as evidence about `subject`; returns the evidence file's bytes.

    BadRequest: a bundle with problems, not about faces, at another threshold or of another model; dates in disorder.
    """
    if bundle.problems:
        raise BadRequest(f"no evidence from a bundle that is not what was signed: {bundle.problems[0]}")
    faces = bundle.results.faces
    if faces is None:
        raise BadRequest("evidence is about face comparisons; this bundle is about something else")
    if expires <= issued:
        raise BadRequest("evidence expires after it is issued")
    if abs(faces.threshold - subject.threshold_score) > 1e-6:
        raise BadRequest(
            f"the bundle was measured at score {faces.threshold:.6f}, not at {subject.threshold_score:.6f}"
        )
    hashes = {model.sha256 for model in bundle.environment.models if model.sha256}
    if subject.model not in hashes:
        raise BadRequest("the bundle is about another model than the evidence is asked for")
    results = bundle.results
    groups = tuple(
        GroupEvidence(analysis.name, group.group, group.people, group.fmr, group.fnmr, group.failures)
        for analysis in faces.analyses
        for group in analysis.groups
        if group.people and (group.fmr.known or group.fnmr.known or group.failures.known)
    )
    statement = Evidence(
        subject=subject,
        title=results.title,
        issued_at=stamp(issued),
        expires_at=stamp(expires),
        population=results.population,
        conditions=results.conditions,
        labelled_by=results.labelled_by,
        fmr=faces.fmr,
        fnmr=faces.fnmr,
        groups=groups,
        limits=results.limits,
        untold=results.untold,
        bundle_hash=bundle.hash,
        bundle_signer=bundle.signer,
        issuer=signer.public.hex(),
    )
    return sign_evidence(statement, signer)


def sign_evidence(statement: Evidence, signer: Signer) -> bytes:
    """Seal a statement: canonical JSON of the statement and its signature. The signer must be its issuer."""
    if statement.issuer != signer.public.hex():
        raise BadRequest("evidence is signed by its issuer")
    signature = signer.sign(canonical(to_json(statement))).hex()
    return canonical(to_json(_Sealed(statement, signature)))


def read_evidence(content: bytes) -> Evidence:
    """Evidence out of its file. BadRequest: not evidence, or not signed by the issuer that it names.

    Whether the issuer is trusted, and the dates, are for the caller to decide.
    """
    try:
        value = json.loads(content)
    except ValueError as error:
        raise BadRequest("this evidence is no JSON") from error
    sealed = from_json(_Sealed, value, "evidence")
    try:
        public, signature = bytes.fromhex(sealed.statement.issuer), bytes.fromhex(sealed.signature)
    except ValueError as error:
        raise BadRequest("the evidence's signature is no hex text") from error
    if not verified(public, signature, canonical(to_json(sealed.statement))):
        raise BadRequest("the evidence was changed after signing, or its issuer did not sign it")
    _moment(sealed.statement.issued_at)
    _moment(sealed.statement.expires_at)
    return sealed.statement


def agrees_with(evidence: Evidence, bundle: Bundle) -> tuple[str, ...]:
    """What speaks against the evidence resting on this bundle; nothing: it does."""
    problems = list(bundle.problems)
    if evidence.bundle_hash != bundle.hash:
        problems.append("the evidence rests on another bundle")
    faces = bundle.results.faces
    if faces is None or evidence.fmr != faces.fmr or evidence.fnmr != faces.fnmr:
        problems.append("the evidence says other numbers than the bundle")
    return tuple(problems)


def shipped_evidence() -> tuple[Evidence, ...]:
    """The project's own evidence, as it ships with the package; checked like any other."""
    return tuple(read_evidence(path.read_bytes()) for path in sorted(_SHIPPED.glob("*.evidence.json")))


def shipped_file(name: str) -> Path:
    """A file that ships beside the evidence (bundles, the public key). NotFound where it does not."""
    path = _SHIPPED / name
    if path.parent != _SHIPPED or not path.is_file():
        raise NotFound(f"no file {name} ships with the evidence")
    return path


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"a time is ISO 8601, got {text!r}") from error
    if moment.tzinfo is None:
        raise BadRequest(f"a time names its zone, got {text!r}")
    return moment
