from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import read_bundle, verify_bundle, write_bundle
from countenance.errors import BadRequest, NotFound
from countenance.signing import Signer, canonical


@pytest.fixture(params=["folder", "one.zip"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    target = tmp_path / str(request.param)
    write_bundle(target, made_up.files())
    return target


def rewrite(bundle: Path, files: dict[str, bytes]) -> None:
    if bundle.suffix == ".zip":
        bundle.unlink()
        write_bundle(bundle, files)
        return
    for path in sorted(bundle.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    write_bundle(bundle, files)


def test_what_was_written_is_read_and_found_right(bundle: Path) -> None:
    found = read_bundle(bundle)
    assert found.problems == ()
    assert found.plan == made_up.plan()
    assert found.results == made_up.results()
    assert found.environment == made_up.environment()
    assert found.signer == made_up.SIGNER.public.hex()


def test_the_same_audit_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_bundle(tmp_path / name, made_up.files())
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_folder_and_a_zip_of_one_audit_have_one_name(tmp_path: Path) -> None:
    write_bundle(tmp_path / "a.zip", made_up.files())
    write_bundle(tmp_path / "a", made_up.files())
    assert read_bundle(tmp_path / "a.zip").hash == read_bundle(tmp_path / "a").hash


@pytest.mark.parametrize(
    "name", ["results.json", "plan.json", "environment.json", "counts.csv", "schema/plan.schema.json"]
)
def test_a_changed_file_is_named(bundle: Path, name: str) -> None:
    files = made_up.files()
    content = files[name]
    changed = content.replace(b"2026", b"2025", 1) if b"2026" in content else content.replace(b"120000", b"120001", 1)
    changed = (
        changed if changed != content else content.replace(b"n", b"m", 1) if name == "counts.csv" else content + b" "
    )
    rewrite(bundle, {**files, name: changed})
    assert f"{name} was changed after signing" in read_bundle(bundle).problems
    with pytest.raises(BadRequest, match="is not what was signed"):
        verify_bundle(bundle)


def test_an_added_or_missing_file_is_named(bundle: Path) -> None:
    files = made_up.files()
    rewrite(bundle, {**files, "face.jpg": b"no"})
    assert "face.jpg is not in the manifest" in read_bundle(bundle).problems
    rewrite(bundle, {name: content for name, content in files.items() if name != "counts.csv"})
    assert "counts.csv is missing" in read_bundle(bundle).problems


def test_a_manifest_written_anew_needs_the_key(bundle: Path) -> None:
    files = made_up.files()
    manifest = json.loads(files["manifest.json"])
    manifest["created"] = "2027-01-01T00:00:00Z"
    rewrite(bundle, {**files, "manifest.json": canonical(manifest)})
    assert "the signature does not belong to the manifest" in read_bundle(bundle).problems


def test_another_key_gives_another_signer_not_a_forgery(bundle: Path) -> None:
    other = Signer(b"b" * 32)
    rewrite(bundle, made_up.files(signer=other))
    assert read_bundle(bundle).signer == other.public.hex()
    mixed = {**made_up.files(), "signature.json": made_up.files(signer=other)["signature.json"]}
    rewrite(bundle, mixed)
    assert read_bundle(bundle).problems


def test_results_of_another_plan_are_found(bundle: Path) -> None:
    rewrite(bundle, made_up.files(made_up.plan(seed=1), made_up.results()))
    assert "the results belong to another plan" in read_bundle(bundle).problems


def test_a_rate_that_does_not_follow_from_its_counts_is_found(bundle: Path) -> None:
    results = made_up.results()
    assert results.faces is not None
    faces = dataclasses.replace(results.faces, fmr=dataclasses.replace(results.faces.fmr, errors=7))
    rewrite(bundle, made_up.files(found=dataclasses.replace(results, faces=faces)))
    assert read_bundle(bundle).problems == ("fmr of everybody by everybody does not follow from its counts",)


@pytest.mark.parametrize("missing", ["manifest.json", "signature.json", "plan.json", "results.json"])
def test_what_is_no_bundle_is_refused(bundle: Path, missing: str) -> None:
    rewrite(bundle, {name: content for name, content in made_up.files().items() if name != missing})
    with pytest.raises(BadRequest, match=f"it lacks {missing}"):
        read_bundle(bundle)


def test_damaged_zips_and_nothing_at_all_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK no")
    with pytest.raises(BadRequest, match="no audit bundle"):
        read_bundle(tmp_path / "x.zip")
    with pytest.raises(NotFound):
        read_bundle(tmp_path / "y.zip")


def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countenance.audit.bundle.MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 2000)
    with pytest.raises(BadRequest, match="unpacks to more than 1000 bytes"):
        read_bundle(tmp_path / "x.zip")


def test_a_bundle_does_not_mix_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(BadRequest, match="is not empty"):
        write_bundle(tmp_path, made_up.files())


def test_results_fit_the_schema_that_the_bundle_carries() -> None:
    files = made_up.files()
    for name in ("results", "plan", "environment"):
        jsonschema.validate(json.loads(files[f"{name}.json"]), json.loads(files[f"schema/{name}.schema.json"]))
