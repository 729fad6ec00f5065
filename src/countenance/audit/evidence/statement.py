"""What evidence says, how it is signed, and how it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from countenance.audit.bundle import Bundle
from countenance.audit.formats.codec import Json, from_json, moment_of, stamp, to_json
from countenance.audit.formats.plan import CROSS
from countenance.audit.formats.results import FaceResults, Share
from countenance.errors import BadRequest, NotFound
from countenance.said_once import loads
from countenance.signing import Signer, canonical, verified

FORMAT: Literal["countenance-evidence/1"] = "countenance-evidence/1"
_SHIPPED = Path(__file__).with_name("shipped")


@dataclass(frozen=True, slots=True)
class EvidenceSubject:
    """What the evidence is about: one model, compared in one way, at one threshold."""

    model: Annotated[str, "sha256 of the embedder's weights"]
    model_version: str
    normaliser: Annotated[str, "identity of the score normaliser, or 'raw'"]
    calibration: Annotated[str, "identity (sha256) of the calibration, or '' without one"]
    threshold_fmr: Annotated[float, "FMR that the threshold stands for"]
    threshold_score: Annotated[float, "the comparison score at that threshold"]


@dataclass(frozen=True, slots=True)
class AuditEvidence:
    """One audit that the evidence rests on."""

    title: str
    bundle: Annotated[str, "hash that names the audit bundle"]
    signer: Annotated[str, "public key that signed the bundle, hex"]
    preregistered: bool
    people: int
    population: str
    conditions: str
    labelled_by: str
    fmr: Annotated[Share, "all comparisons of different people"]
    fnmr: Annotated[Share, "all comparisons of one person"]
    failures: Annotated[Share, "images that gave no template"]
    limits: Annotated[tuple[str, ...], "what this audit cannot show"]
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupEvidence:
    """One group that an audit could tell something about."""

    audit: Annotated[str, "hash of the bundle that says so"]
    factor: str
    group: str
    people: int
    fmr: Share
    fnmr: Share
    failures: Share


class Vouched:
    """What every statement of evidence has: who issued it, and from when until when it counts."""

    __slots__ = ()
    issuer: str
    issued_at: str
    expires_at: str

    def in_date(self, now: datetime) -> bool:
        """Whether `now` (with a time zone) lies within the dates."""
        return moment_of(self.issued_at) <= now < moment_of(self.expires_at)

    @property
    def expires(self) -> datetime:
        """When the evidence stops counting."""
        return moment_of(self.expires_at)

    def doubts(self, now: datetime, issuer: str | None = None) -> tuple[str, ...]:
        """What is wrong with the dates, or with the issuer where one is asked for (public key, hex)."""
        lines = []
        if not self.in_date(now):
            lines.append(f"out of date: it counts from {self.issued_at} until {self.expires_at}")
        if issuer is not None and issuer.lower() != self.issuer:
            lines.append(f"issued by {self.issuer}, not by the key asked for")
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class Evidence(Vouched):
    """Audits vouched for by an issuer, for one subject, until a date.

    Times are ISO 8601 UTC. groups: those with a known FMR, FNMR or failure rate; a rate that is not known says why.
    """

    subject: EvidenceSubject
    issued_at: str
    expires_at: str
    operational: Annotated[bool, "whether the model was tested in the conditions that it is used in"]
    independent: Annotated[bool, "whether the issuer is neither the model's maker nor its operator"]
    audits: tuple[AuditEvidence, ...]
    groups: tuple[GroupEvidence, ...]
    issuer: Annotated[str, "raw Ed25519 public key that signs this evidence, hex"]
    format: Literal["countenance-evidence/1"] = FORMAT

    def covers(self, factor: str, group: str) -> bool:
        """Whether the group's FMR or FNMR is known."""
        return any((g.factor, g.group) == (factor, group) and (g.fmr.known or g.fnmr.known) for g in self.groups)

    @property
    def covered(self) -> tuple[str, ...]:
        """The groups covered, as 'factor=group'."""
        return tuple(f"{g.factor}={g.group}" for g in self.groups if g.fmr.known or g.fnmr.known)

    @property
    def factors(self) -> frozenset[str]:
        """The attributes by which groups are told apart."""
        return frozenset(factor for g in self.groups for factor in g.factor.split(CROSS))

    @property
    def limits(self) -> tuple[str, ...]:
        """What the audits cannot show, without repetitions."""
        return tuple(dict.fromkeys(limit for audit in self.audits for limit in audit.limits))

    @property
    def highest_fmr(self) -> float | None:
        """Upper bound of the FMR of the group served worst; None where no group's is known."""
        return max((g.fmr.high for g in self.groups if g.fmr.high is not None), default=None)

    @property
    def lowest_tpr(self) -> float | None:
        """1 - FNMR of the group recognised worst, point estimate; None where no group's FNMR is known."""
        return min((1 - g.fnmr.estimate for g in self.groups if g.fnmr.estimate is not None), default=None)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An evidence file: a statement and the issuer's signature over its canonical JSON."""

    statement: Evidence
    signature: str
    algorithm: Literal["Ed25519"] = "Ed25519"


def subject_of(bundle: Bundle, normaliser: str, calibration: str, threshold_fmr: float) -> EvidenceSubject:
    """What evidence that rests on `bundle` is about. threshold_fmr: the FMR that its threshold stands for.

    normaliser, calibration: identities, see `EvidenceSubject`. BadRequest: a bundle without an embedder's hash, or not
    about face comparisons.
    """
    embedders = [m for m in bundle.environment.models if m.role == "embedder" and m.sha256]
    if not embedders:
        raise BadRequest("the bundle names no embedder with a hash; evidence is about one model")
    return EvidenceSubject(
        embedders[0].sha256, embedders[0].version, normaliser, calibration, threshold_fmr, _faces(bundle).threshold
    )


def issue_evidence(
    bundles: Sequence[Bundle],
    subject: EvidenceSubject,
    issued: datetime,
    expires: datetime,
    signer: Signer,
    *,
    operational: bool = False,
    independent: bool = False,
) -> bytes:
    """Sign `bundles` as evidence about `subject`; returns the evidence file's bytes.

    operational, independent: what the issuer vouches for, see `Evidence`.
    BadRequest: no bundle, or one with problems, not about faces, at another threshold or of another model; dates in
    disorder.
    """
    check_asked(bundles, issued, expires)
    audits: list[AuditEvidence] = []
    groups: list[GroupEvidence] = []
    for bundle in bundles:
        faces = _fitting(bundle, subject)
        results = bundle.results
        audits.append(
            AuditEvidence(
                results.title, bundle.hash, bundle.signer, results.preregistered, results.data.people,
                results.population, results.conditions, results.labelled_by, faces.fmr, faces.fnmr, faces.failures,
                results.limits, results.untold,
            )
        )  # fmt: skip
        groups += [
            GroupEvidence(bundle.hash, analysis.name, g.group, g.people, g.fmr, g.fnmr, g.failures)
            for analysis in faces.analyses
            for g in analysis.groups
            if g.people and (g.fmr.known or g.fnmr.known or g.failures.known)
        ]
    statement = Evidence(
        subject, stamp(issued), stamp(expires), operational, independent, tuple(audits), tuple(groups),
        signer.public.hex(),
    )  # fmt: skip
    return sign_evidence(statement, signer)


def _fitting(bundle: Bundle, subject: EvidenceSubject) -> FaceResults:
    """The bundle's results, if they are about `subject`."""
    if bundle.problems:
        raise BadRequest(f"no evidence from a bundle that is not what was signed: {bundle.problems[0]}")
    faces = _faces(bundle)
    if abs(faces.threshold - subject.threshold_score) > 1e-6:
        raise BadRequest(f"a bundle was measured at score {faces.threshold:.6f}, not at {subject.threshold_score:.6f}")
    if subject.model not in {model.sha256 for model in bundle.environment.models if model.sha256}:
        raise BadRequest("a bundle is about another model than the evidence is asked for")
    return faces


def _faces(bundle: Bundle) -> FaceResults:
    if bundle.results.faces is None:
        raise BadRequest("evidence is about face comparisons; this bundle is about something else")
    return bundle.results.faces


def sign_evidence(statement: Evidence, signer: Signer) -> bytes:
    """Seal a statement: canonical JSON of the statement and its signature. The signer must be its issuer."""
    if statement.issuer != signer.public.hex():
        raise BadRequest("evidence is signed by its issuer")
    return canonical(to_json(Sealed(statement, seal_of(statement, signer))))


def seal_of(statement: Vouched, signer: Signer) -> str:
    """The signature over a statement's canonical JSON, hex."""
    return signer.sign(canonical(to_json(statement))).hex()


def check_asked(bundles: Sequence[Bundle], issued: datetime, expires: datetime) -> None:
    """BadRequest: evidence that would rest on nothing, or end before it begins."""
    if not bundles:
        raise BadRequest("evidence rests on at least one audit bundle")
    if expires <= issued:
        raise BadRequest("evidence expires after it is issued")


def read_evidence(content: bytes) -> Evidence:
    """Read an evidence file. BadRequest: not evidence, or not signed by the issuer that it names.

    Whether the issuer is trusted, and the dates, are for the caller to decide.
    """
    sealed = from_json(Sealed, json_of(content), "evidence")
    check_seal(sealed.statement, sealed.signature)
    return sealed.statement


def json_of(content: bytes) -> Json:
    """The JSON of an evidence file; `BadRequest` where it is none."""
    try:
        return loads(content)
    except ValueError as error:
        raise BadRequest("this evidence is no JSON") from error


def check_seal(statement: Vouched, mark: str) -> None:
    """BadRequest: a statement that its issuer did not sign like this (mark: hex), or without its dates."""
    try:
        public, signature = bytes.fromhex(statement.issuer), bytes.fromhex(mark)
    except ValueError as error:
        raise BadRequest("the evidence's signature is no hex text") from error
    if not verified(public, signature, canonical(to_json(statement))):
        raise BadRequest("the evidence was changed after signing, or its issuer did not sign it")
    moment_of(statement.issued_at)
    moment_of(statement.expires_at)


def agrees_with(evidence: Evidence, bundle: Bundle) -> tuple[str, ...]:
    """Why this evidence cannot rest on `bundle`; empty if it does."""
    problems = list(bundle.problems)
    audit = next((audit for audit in evidence.audits if audit.bundle == bundle.hash), None)
    faces = bundle.results.faces
    if audit is None:
        problems.append("the evidence does not rest on this bundle")
    elif faces is None or (audit.fmr, audit.fnmr, audit.failures) != (faces.fmr, faces.fnmr, faces.failures):
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
