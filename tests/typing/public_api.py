"""What a type checker tells a program that uses the public API. mypy reads this file; nothing runs it.

tests/unit/test_public_api.py has mypy read it as a stranger's program too, with nothing but the installed package.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import assert_type

import countenance
from countenance.audit import (
    AuditDifference,
    Bundle,
    Equipment,
    Estimate,
    Evidence,
    FaceResults,
    GroupResult,
    Plan,
    Results,
    Share,
    Signer,
    compare_bundles,
    plan_of_draft,
    read_bundle,
    read_evidence,
    read_plan,
    report_page,
    run,
    verify_bundle,
)
from countenance.client import (
    BulkResult,
    ComparisonShown,
    DetectionShown,
    EnrolledFaceShown,
    EnrolmentShown,
    LeadShown,
    MandateShown,
    PictureToEnrol,
    ProofShown,
    RedactionShown,
    SearchShown,
    SiblingShown,
    WorstGroupShown,
)
from countenance.metrics import (
    Comparisons,
    Interval,
    Rate,
    Ratio,
    SearchTest,
    Verification,
    clopper_pearson,
    expected_false_matches,
    plain_rate,
    ratio,
    search_test,
    verify,
    verify_each,
    wilson,
)


def errors_of(comparisons: Comparisons) -> None:
    assert_type(verify(comparisons, 0.5), Verification)
    assert_type(verify_each(comparisons, (0.4, 0.5)), tuple[Verification, ...])


def rates() -> None:
    assert_type(countenance.__version__, str)
    assert_type(wilson(1, 100), Interval)
    assert_type(clopper_pearson(1, 100), Interval)
    rate = plain_rate(1, 100)
    assert_type(rate, Rate)
    assert_type(rate.interval.low, float)
    assert_type(ratio(rate, plain_rate(2, 100)), Ratio)
    assert_type(search_test(probes=535, falsely_matched=28, gallery=25_000), SearchTest)
    assert_type(expected_false_matches(1e-5, 1000), float)


def an_audit(folder: Path) -> None:
    plan = plan_of_draft(folder / "draft.toml", datetime.now(UTC))
    assert_type(plan, Plan)
    assert_type(read_plan(folder / "plan.json"), Plan)
    assert_type(plan.hash, str)

    def agree(estimate: Estimate) -> None:
        assert_type(estimate.cost, float)

    signer = Signer.from_file(folder / "audit.key")
    found = run(
        folder / "plan.json", folder / "b.zip", signer, changes={"margin": 2.0}, equipment=Equipment(agree=agree)
    )
    assert_type(found, Results)
    assert_type(found.faces, FaceResults | None)
    bundle = verify_bundle(folder / "b.zip", signer=signer.public.hex())
    assert_type(bundle, Bundle)
    assert_type(read_bundle(folder / "b.zip").problems, tuple[str, ...])
    assert_type(report_page(bundle), str)
    assert_type(compare_bundles(bundle, bundle), AuditDifference)
    assert_type(read_evidence(b""), Evidence)


def by_group(faces: FaceResults) -> None:
    for group in faces.analyses[0].groups:
        assert_type(group, GroupResult)
        assert_type(group.fmr, Share)
        assert_type(group.fmr.estimate, float | None)


def what_is_refused_of_audits(plan: Plan) -> None:
    run(plan, Path("b.zip"))  # type: ignore[arg-type, call-arg]
    verify_bundle("b.zip")  # type: ignore[arg-type]
    plan.margin = 3.0  # type: ignore[misc]


def what_is_refused(rate: Rate) -> None:
    wilson("1", 100)  # type: ignore[arg-type]
    rate.errors = 2  # type: ignore[misc]
    verify([0.1, 0.9], 0.5)  # type: ignore[arg-type]


def a_client(folder: Path) -> None:
    with countenance.Client("http://127.0.0.1:8080", key="CNTN", secret="s", token="t") as client:
        assert_type(client, countenance.Client)
        assert_type(client.detect(b""), DetectionShown)
        assert_type(client.compare(b"", folder / "a.jpg"), ComparisonShown)
        assert_type(client.enrol("club", b"", "ann"), EnrolmentShown)
        found = client.search_all("club", b"", quality="LOW")
        assert_type(found, SearchShown)
        lead = found.results[0].leads[0]
        assert_type(lead, LeadShown)
        assert_type(lead.expected_innocent, float)
        assert_type(lead.worst_group, WorstGroupShown | None)
        assert_type(lead.sibling, SiblingShown | None)
        for done in client.enrol_many("club", [PictureToEnrol(folder / "a.jpg", "ann")], journal=folder / "journal"):
            assert_type(done, BulkResult)
        assert_type(next(client.faces("club")), EnrolledFaceShown)
        assert_type(client.mandates.list(), list[MandateShown])
        assert_type(client.prove(found.receipt), ProofShown)
        covered = client.redact(folder / "a.mp4", except_boxes=[lead.face.box], style="fill")
        assert_type(covered, RedactionShown)
        assert_type(covered.file, bytes)
    assert_type(countenance.open(folder, key="CNTN"), countenance.Client)


def what_is_refused_of_a_client(client: countenance.Client) -> None:
    client.search("club", "https://example.org/a.jpg")  # type: ignore[arg-type]
    client.search("club", b"", quality="GOOD")  # type: ignore[arg-type]
