"""The project's own evidence, as it ships: whole, signed, about the model that ships, and about nobody."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from countenance.audit.bundle import read_bundle
from countenance.audit.evidence import Evidence, agrees_with, shipped_evidence, shipped_file
from countenance.engine.manifest import load_manifests
from countenance.scoring import Calibration, load_normaliser

FOLDER = shipped_file("countenance.pub").parent
BUNDLES = sorted(FOLDER.glob("*.zip"))


@pytest.fixture(params=range(len(shipped_evidence())))
def evidence(request: pytest.FixtureRequest) -> Evidence:
    place: int = request.param
    return shipped_evidence()[place]


def test_it_is_signed_with_the_key_whose_public_half_ships(evidence: Evidence) -> None:
    assert evidence.issuer == shipped_file("countenance.pub").read_text().strip()
    assert all(audit.signer == evidence.issuer for audit in evidence.audits)


def test_it_rests_on_the_bundles_that_ship(evidence: Evidence) -> None:
    bundles = {bundle.hash: bundle for bundle in map(read_bundle, BUNDLES)}
    assert len(evidence.audits) == 2
    for audit in evidence.audits:
        assert agrees_with(evidence, bundles[audit.bundle]) == ()


def test_it_is_about_the_default_model_as_it_is_served(evidence: Evidence) -> None:
    model = load_manifests()["sface"].model
    normaliser = load_normaliser(model)
    calibration = Calibration.load(model, normaliser.identity)
    subject = evidence.subject
    assert (subject.model, subject.normaliser, subject.calibration) == (
        model,
        normaliser.identity,
        calibration.identity,
    )
    assert subject.threshold_score == pytest.approx(float(calibration.score_at_fmr(subject.threshold_fmr)), abs=1e-6)


def test_it_tells_what_it_cannot_show_and_claims_no_more(evidence: Evidence) -> None:
    said = " ".join(evidence.limits)
    for words in ("one picture per person", "must not be used to show", "annotators", "fitted on"):
        assert words in said
    assert not evidence.operational and not evidence.independent
    assert not any(audit.preregistered for audit in evidence.audits)
    for group in evidence.groups:
        if "race" in group.factor or "age" in group.factor:
            assert not group.fnmr.known and group.fnmr.reason


def test_it_covers_gender_race_and_age(evidence: Evidence) -> None:
    assert {"gender", "race", "age"} <= evidence.factors
    for group in ("Black", "East Asian", "Indian", "Latino_Hispanic", "Middle Eastern", "Southeast Asian", "White"):
        assert evidence.covers("race", group)
    assert evidence.lowest_tpr is not None and evidence.highest_fmr is not None


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name)
def test_a_shipped_bundle_names_nobody_and_tells_of_no_small_group(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        said = b"".join(archive.read(name) for name in archive.namelist())
    assert not re.search(rb"\.jpe?g|George|/home/|/tmp/", said)
    results = read_bundle(path).results
    assert results.faces is not None
    for analysis in results.faces.analyses:
        for group in analysis.groups:
            assert group.people is None or group.people == 0 or group.people >= 10
