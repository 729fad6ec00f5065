from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.evidence import (
    EvidenceSubject,
    agrees_with,
    issue_evidence,
    read_evidence,
    shipped_evidence,
    sign_evidence,
    subject_of,
)
from countenance.errors import BadRequest
from countenance.signing import Signer

SUBJECT = EvidenceSubject(made_up.MODEL, "toy-1", "raw", "ca" * 32, 1e-3, 0.37)
ISSUER = Signer(b"i" * 32)
LATER = made_up.NOW + timedelta(days=365)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    write_bundle(tmp_path / "b", made_up.files())
    return read_bundle(tmp_path / "b")


def issue(bundle: Bundle, subject: EvidenceSubject = SUBJECT, expires: datetime = LATER) -> bytes:
    return issue_evidence([bundle], subject, made_up.NOW, expires, ISSUER)


def test_evidence_carries_the_audits_figures_by_group(bundle: Bundle) -> None:
    found = read_evidence(issue(bundle))
    assert found.subject == SUBJECT
    assert [group.group for group in found.groups] == list(made_up.GROUPS)
    assert found.covers("group", "women, darker") and not found.covers("group", "nobody here")
    assert found.factors == {"group"}
    worst = max(g.fmr.high for g in found.groups if g.fmr.high is not None)
    assert found.highest_fmr == worst > 240 / 120_000
    assert found.lowest_tpr == 1 - 19 / 900
    assert found.issuer == ISSUER.public.hex()
    assert found.limits == ("no children took part",)
    assert agrees_with(found, bundle) == ()


def test_a_bundle_says_what_evidence_on_it_is_about(bundle: Bundle) -> None:
    assert subject_of(bundle, "raw", "ca" * 32, 1e-3) == SUBJECT
    environment = dataclasses.replace(bundle.environment, models=())
    with pytest.raises(BadRequest, match="names no embedder"):
        subject_of(dataclasses.replace(bundle, environment=environment), "raw", "", 1e-3)
    results = dataclasses.replace(bundle.results, faces=None)
    with pytest.raises(BadRequest, match="about face comparisons"):
        subject_of(dataclasses.replace(bundle, results=results), "raw", "", 1e-3)


def test_whoever_checks_is_told_of_dates_that_have_passed_and_of_another_issuer(bundle: Bundle) -> None:
    found = read_evidence(issue(bundle))
    assert found.doubts(made_up.NOW) == found.doubts(made_up.NOW, ISSUER.public.hex().upper()) == ()
    late, other = found.doubts(LATER, "ab" * 32)
    assert "out of date" in late and "not by the key asked for" in other


def test_it_counts_from_its_first_moment_until_before_its_last(bundle: Bundle) -> None:
    found = read_evidence(issue(bundle))
    assert found.in_date(made_up.NOW) and found.in_date(LATER - timedelta(seconds=1))
    assert not found.in_date(LATER) and not found.in_date(made_up.NOW - timedelta(seconds=1))


def test_every_changed_letter_is_noticed(bundle: Bundle) -> None:
    content = issue(bundle)
    for old, new in (
        (b"0.001", b"0.01"),
        (b"women, darker", b"women"),
        (b"2027", b"2037"),
        (b'"errors":240', b'"errors":24'),
    ):
        assert old in content
        with pytest.raises(BadRequest, match="changed after signing"):
            read_evidence(content.replace(old, new))


def test_evidence_that_somebody_else_signed_names_that_somebody(bundle: Bundle) -> None:
    statement = read_evidence(issue(bundle))
    with pytest.raises(BadRequest, match="signed by its issuer"):
        sign_evidence(statement, Signer(b"x" * 32))
    other = Signer(b"x" * 32)
    forged = sign_evidence(dataclasses.replace(statement, issuer=other.public.hex()), other)
    assert read_evidence(forged).issuer == other.public.hex() != statement.issuer


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "00" * 32}, "another model"),
        ({"threshold_score": 0.38}, "measured at score 0.370000, not at 0.380000"),
    ],
)
def test_a_bundle_about_something_else_is_no_evidence(bundle: Bundle, change: dict[str, object], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        issue(bundle, dataclasses.replace(SUBJECT, **change))  # type: ignore[arg-type]


def test_a_bundle_with_problems_is_no_evidence(bundle: Bundle) -> None:
    with pytest.raises(BadRequest, match="not what was signed"):
        issue(dataclasses.replace(bundle, problems=("counts.csv is missing",)))


def test_dates_in_disorder_are_refused(bundle: Bundle) -> None:
    with pytest.raises(BadRequest, match="expires after it is issued"):
        issue(bundle, expires=made_up.NOW)


def test_evidence_disagrees_with_another_bundle(bundle: Bundle) -> None:
    found = read_evidence(issue(bundle))
    assert agrees_with(found, dataclasses.replace(bundle, hash="0" * 64)) == (
        "the evidence does not rest on this bundle",
    )


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"statement": {}, "signature": "zz"}'])
def test_what_is_no_evidence_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest):
        read_evidence(content)


def test_the_file_fits_its_published_schema(bundle: Bundle) -> None:
    from countenance.audit.formats.schemas import FOLDER

    jsonschema.validate(json.loads(issue(bundle)), json.loads((FOLDER / "evidence.schema.json").read_text()))


def test_a_server_reads_evidence_without_loading_the_auditors_mathematics() -> None:
    code = (
        "import sys, countenance.audit.evidence; print([m for m in ('numba', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_ships_is_signed() -> None:
    for evidence in shipped_evidence():
        assert evidence.groups and evidence.limits
