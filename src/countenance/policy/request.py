# ruff: noqa: RUF009  # `_fact` makes a field, as dataclasses.field does
"""The facts that a rule may use: who calls, for whom, what, where, why, on which authorisation, with which model.

A `Request` is what the guard knows about one call. The basic facts are required: the operation, the parties, the grant.
Every other fact is optional, and None means *not stated*. A rule that needs such a fact answers "undetermined", which
is not permitted. So nobody has to guess a default, and an unstated fact never permits anything.

`Party.class_name` is for people who read decisions. It is not part of the Cedar schema, so a clause that names "police"
does not validate: clauses look at the powers that a party holds and at whom it acts for.

Times are timezone-aware. Rates (FMR, FPIR, TPR) are 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countenance.errors import BadRequest
from countenance.policy.enums import (
    COERCIVE_POWERS,
    Action,
    AuthorisationKind,
    Company,
    Consent,
    LegalBasis,
    Mode,
    NextStep,
    Offence,
    Power,
    Provenance,
    Purpose,
    Relation,
    SpaceKind,
    Suspicion,
    Tier,
    Vendor,
)


def _fact(says: str, *, parts_per: int | None = None, round_up: bool = False, months: bool = False) -> Any:
    """An optional fact. parts_per: how a rate becomes a whole number in Cedar; months: years become whole months."""
    return field(default=None, metadata={"says": says, "parts_per": parts_per, "round_up": round_up, "months": months})


def _rates(**rates: float | None) -> None:
    for name, rate in rates.items():
        if rate is not None and not 0 <= rate <= 1:
            raise BadRequest(f"{name} is a rate of 0 to 1, got {rate}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person or body that uses a face system, or for whom it is used.

    class_name: what the party calls itself, for readers only; no rule sees it.
    powers: what it may do to people. tier: its level of government, NONE if it is no public body.
    jurisdictions: where it holds that power or lives, such as "US-WA", "FR", "US-OR-PORTLAND".
    """

    class_name: str
    powers: frozenset[Power] = frozenset()
    tier: Tier = Tier.NONE
    jurisdictions: frozenset[str] = frozenset()

    @property
    def coercive(self) -> bool:
        """Whether it holds a power to arrest, detain, deport, prosecute, punish, spy or fight."""
        return bool(self.powers & COERCIVE_POWERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the guard found in the caller's mandate. active: approved, and neither suspended nor revoked."""

    id: str
    active: bool
    starts_at: datetime
    expires_at: datetime
    operation_granted: bool
    gallery_granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UseFacts:
    """Why and how the operation is used.

    vendor, company: a settlement binds one party and nobody else, and powers and places do not tell who that is. Their
    words are those parties and "other", so that a class of actors cannot be named by the way.
    """

    mode: Mode | None = _fact("whether it happens afterwards or in real time")
    purpose: Purpose | None = _fact("the purpose")
    legal_basis: LegalBasis | None = _fact("the legal basis")
    statute: bool | None = _fact("whether a statute that allows this use is cited")
    federal: bool | None = _fact("whether a federal rule requires it, or a federal agency takes part to carry one out")
    leads_needed: bool | None = _fact("whether it is necessary to develop leads in an investigation")
    urgent: bool | None = _fact("whether it is a duly justified urgency")
    exigent: bool | None = _fact("whether life or limb is in danger at once")
    sustained: bool | None = _fact("whether a person is watched over time")
    commercial: bool | None = _fact("whether it serves a commercial purpose")
    bespoke: bool | None = _fact("whether the system is made to order, not a product for everybody")
    vendor: Vendor | None = _fact("whose product it is, where a settlement binds the vendor by name")
    company: Company | None = _fact("which company uses it, where a settlement binds the company by name")
    for_profit: bool | None = _fact("whether face data are sold, leased or traded")
    next_step: NextStep | None = _fact("what the result is to be used for")
    began_at: datetime | None = _fact("when this use began")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceFacts:
    """Where the faces are."""

    public: bool | None = _fact("whether the place is open to the public")
    kind: SpaceKind | None = _fact("what kind of place it is")
    accommodation: bool | None = _fact("whether it is a place of public accommodation")
    controlled: bool | None = _fact("whether light, pose and distance are controlled")
    mobile_camera: bool | None = _fact("whether the camera is worn or driven about")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """The investigation that a search belongs to."""

    opened: bool | None = _fact("whether it belongs to a recorded case")
    offences: frozenset[Offence] | None = _fact("the kinds of offence")
    max_penalty_years: float | None = _fact("the longest sentence for the offence", months=True)
    suspicion: Suspicion | None = _fact("the degree of suspicion against the person")
    initial: bool | None = _fact("whether a potential suspect is looked for, for the first time")
    objective_facts: bool | None = _fact("whether objective, verifiable facts link the person to the offence")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationFacts:
    """Permission from another body.

    kind NONE states that there is no authorisation, which is more than not stating one. For any other kind the times
    `requested_at`, `granted_at` and `refused_at` state together how far it has come: where one of them is given, those
    that are None have not come about; where none is given, how far it has come is not stated.
    """

    kind: AuthorisationKind
    requested_at: datetime | None = None
    granted_at: datetime | None = None
    refused_at: datetime | None = None
    expires_at: datetime | None = None
    limited: bool | None = _fact("whether the authorisation limits time, place and persons")
    within_limits: bool | None = _fact("whether this use lies within those limits")

    @property
    def state(self) -> str | None:
        """none | requested | granted | refused, or None where it is not stated; a refusal outweighs a grant."""
        if self.kind is AuthorisationKind.NONE:
            return "none"
        if self.refused_at is not None:
            return "refused"
        if self.granted_at is not None:
            return "granted"
        return "requested" if self.requested_at is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryFacts:
    """The gallery that is searched or changed. id: "" if the operation has none."""

    id: str = ""
    provenance: Provenance | None = _fact("where the gallery's faces come from")
    for_this_deployment: bool | None = _fact("whether the gallery was made for this deployment")
    reviewed: bool | None = _fact("whether the gallery was reviewed before this deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFacts:
    """The picture whose face is searched for."""

    sketch: bool | None = _fact("whether the probe is a drawing or a made-up face")
    altered: bool | None = _fact("whether the probe was altered")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectFacts:
    """The people whose faces are used."""

    takes_part: bool | None = _fact("whether they take an active part, as at a gate or a phone")
    consent: Consent | None = _fact("how they agreed")
    minor: bool | None = _fact("whether they are minors")
    guardian_agreed: bool | None = _fact("whether a guardian agreed")
    targeted: bool | None = _fact("whether one named or described person is looked for")
    protected_activity: bool | None = _fact("whether they are at a protest, a rite, a meeting or another protected act")
    chosen_by_trait: bool | None = _fact(
        "whether they were chosen for origin, religion, politics or another such trait"
    )
    self_published: bool | None = _fact("whether they published the picture themselves")
    alternative_offered: bool | None = _fact("whether another way, without a face, is open to them")
    relation: Relation | None = _fact("what they are to whoever uses the system")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The model and threshold in use. fmr, fpir: the error rates at that threshold, 0..1."""

    id: str | None = _fact("the model")
    calibration: str | None = _fact("the calibration")
    fmr: float | None = _fact("the threshold as false match rate", parts_per=10**9, round_up=True)
    fpir: float | None = _fact("the threshold as false positive identification rate", parts_per=10**9, round_up=True)

    def __post_init__(self) -> None:
        _rates(fmr=self.fmr, fpir=self.fpir)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFacts:
    """What a signed audit says about one model at one threshold. signed: the guard checked the signature.

    fmr: the false match rate at the loosest threshold that was measured. fmr_worst: upper bound at that threshold for
    the group served worst. tpr_min: the lowest true positive rate of any group. groups: the attributes that define the
    groups.
    """

    signed: bool | None = _fact("whether the evidence is signed by a trusted key")
    model: str | None = _fact("the model that the evidence is about")
    calibration: str | None = _fact("the calibration that the evidence is about")
    fmr: float | None = _fact("the loosest threshold that the evidence covers, as false match rate", parts_per=10**9)
    fmr_worst: float | None = _fact(
        "the false match rate of the group served worst, upper bound", parts_per=10**9, round_up=True
    )
    tpr_min: float | None = _fact("the lowest true positive rate of any group", parts_per=10**6)
    groups: frozenset[str] | None = _fact("the attributes by which the evidence tells groups apart")
    expires_at: datetime | None = _fact("when the evidence expires")
    operational: bool | None = _fact("whether the model was tested in operational conditions")
    independent: bool | None = _fact("whether somebody independent made the evidence")
    nist: bool | None = _fact("whether NIST evaluated the model")

    def __post_init__(self) -> None:
        _rates(fmr=self.fmr, fmr_worst=self.fmr_worst, tpr_min=self.tpr_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """What people check before anybody acts on the answer."""

    reviewers: int | None = _fact("how many competent people verify each result, each on their own")
    human: bool | None = _fact("whether a trained person reviews every result before it has an effect")
    waived_by_law: bool | None = _fact("whether a law waives the second reviewer")
    sole_basis: bool | None = _fact("whether the result alone is the ground for what follows")
    corroborated: bool | None = _fact("whether independent, reliable evidence supports the result")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentFacts:
    """What was assessed, published, registered and reported in advance."""

    dpia: bool | None = _fact("whether a data protection impact assessment was done")
    fria: bool | None = _fact("whether a fundamental rights impact assessment was done")
    equality: bool | None = _fact("whether the effect on equality was assessed")
    registered: bool | None = _fact("whether the system is registered")
    opted_in: bool | None = _fact("whether national law allows this use expressly")
    authorities_told: bool | None = _fact("whether the supervising authorities were told of this use")
    accountability_report: bool | None = _fact("whether an accountability report was adopted after public review")
    policy_published: bool | None = _fact("whether the policy for this use is published")
    test_interface: bool | None = _fact("whether independent testers have an interface to test with")
    annual_report: bool | None = _fact("whether the yearly report was made")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """Who was informed."""

    subjects: bool | None = _fact("whether the people were told")
    written: bool | None = _fact("whether they were told in writing of purpose and term")
    public: bool | None = _fact("whether the use is disclosed to the public")
    defence: bool | None = _fact("whether the defence is told")
    workers: bool | None = _fact("whether the workers were told")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionFacts:
    """How long face data are stored."""

    days: int | None = _fact("how many days templates are kept at most")
    days_after_purpose: int | None = _fact("how many days templates are kept after their purpose ends")
    ends_with_purpose: bool | None = _fact("whether templates are destroyed once their purpose is met")
    schedule_published: bool | None = _fact("whether the retention schedule is published")
    non_matches_deleted: bool | None = _fact("whether templates that match nobody are deleted at once")
    others_blurred: bool | None = _fact("whether faces below the threshold are shown blurred")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFacts:
    """The person who operates the system."""

    trained_until: datetime | None = _fact("until when the operator's training is valid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, as the rules see it.

    on_behalf_of: None if the holder acts for itself.
    jurisdictions: every place whose law the call touches (caller, camera, subjects, data), such as "FR", "US-IL".
    authorisation: None if not stated; `AuthorisationFacts(kind=NONE)` states that there is none.
    """

    operation: Action
    actor: Party
    mandate: Grant
    on_behalf_of: Party | None = None
    jurisdictions: frozenset[str] = frozenset()
    use: UseFacts = UseFacts()
    space: SpaceFacts = SpaceFacts()
    case: CaseFacts = CaseFacts()
    authorisation: AuthorisationFacts | None = None
    gallery: GalleryFacts = GalleryFacts()
    probe: ProbeFacts = ProbeFacts()
    subject: SubjectFacts = SubjectFacts()
    model: ModelFacts = ModelFacts()
    evidence: EvidenceFacts = EvidenceFacts()
    review: ReviewFacts = ReviewFacts()
    assessment: AssessmentFacts = AssessmentFacts()
    notice: NoticeFacts = NoticeFacts()
    retention: RetentionFacts = RetentionFacts()
    operator: OperatorFacts = OperatorFacts()

    def __post_init__(self) -> None:
        by_consent = self.use.legal_basis is LegalBasis.CONSENT
        if by_consent and self.gallery.provenance in (Provenance.SCRAPED, Provenance.CCTV):
            raise BadRequest(
                f"the legal basis is consent and the gallery's provenance is {self.gallery.provenance}: "
                "both cannot be true"
            )
