from pathlib import Path

import pytest
from tests.unit.engine.tiny_models import DETECTOR_SECTIONS, embedder_sections, tiny_models

from countenance.engine.manifest import load_manifests, parse_manifest
from countenance.errors import ModelError

HEAD = f"""
name = "mine"
version = "mine-2024"
kind = "embedder"
file = "mine.onnx"
sha256 = "{"ab" * 32}"
licence = "MIT"
source = "somewhere"
"""
EMBEDDER = HEAD + embedder_sections()


def test_the_shipped_manifests_name_yunet_and_sface_with_their_published_hashes() -> None:
    manifests = load_manifests()
    assert set(manifests) == {"yunet", "sface"}
    assert manifests["sface"].label == "sface-2021dec-5958cd1f"
    assert manifests["sface"].sha256 == "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
    assert manifests["yunet"].sha256 == "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
    assert all(manifest.licence in ("MIT", "Apache-2.0") for manifest in manifests.values())


def test_an_operators_manifests_join_those_that_ship(tmp_path: Path) -> None:
    manifests = load_manifests(tiny_models(tmp_path))
    assert set(manifests) == {"yunet", "sface", "squares", "colours"}
    assert manifests["colours"].path(tmp_path / "cache") == tmp_path / "colours.onnx"
    assert manifests["sface"].path(tmp_path / "cache").parent == tmp_path / "cache"


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(EMBEDDER.replace('"mine"', '"sface"'))
    with pytest.raises(ModelError, match="two model manifests are called 'sface'"):
        load_manifests(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not there"):
        load_manifests(tmp_path / "nowhere")


def test_a_manifest_says_what_it_was_told() -> None:
    manifest = parse_manifest(EMBEDDER.encode(), "mine.toml")
    assert (manifest.name, manifest.kind, manifest.input.layout, manifest.input.width) == (
        "mine",
        "embedder",
        "nchw",
        20,
    )
    assert manifest.output is not None
    assert manifest.output.dimension == 6
    assert manifest.detection is None
    assert manifest.carrier is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not toml at all = = =", "not TOML"),
        (EMBEDDER.replace('licence = "MIT"', ""), "'licence' is missing"),
        (EMBEDDER.replace('"embedder"', '"oracle"'), "'detector' or 'embedder', got 'oracle'"),
        (EMBEDDER.replace("ab" * 32, "ab"), "'sha256'"),
        (EMBEDDER.replace("mine.onnx", "../mine.onnx"), "file name without a folder"),
        (EMBEDDER.replace('file = "mine.onnx"', 'file = ""'), "file name without a folder"),
        (EMBEDDER.replace("dimension = 6", "dimension = 0"), "'dimension' is a count, got 0"),
        (EMBEDDER.replace("dimension = 6", "dimension = true"), "'dimension' is a count"),
        (EMBEDDER.replace("scale = [1.0, 1.0, 1.0]", "scale = [1.0, 0.0, 1.0]"), "scale of 0"),
        (EMBEDDER.replace("mean = [0.0, 0.0, 0.0]", "mean = [0.0, nan, 0.0]"), "three numbers"),
        (EMBEDDER.replace("mean = [0.0, 0.0, 0.0]", "mean = [0.0]"), "three numbers"),
        (EMBEDDER.replace('"rgb"', '"yuv"'), "'rgb' or 'bgr'"),
        (EMBEDDER + "threshold = 0.4\n", "unknown key 'threshold'"),
        ("speed = 3\n" + EMBEDDER, "unknown key 'speed'"),
        (HEAD, "'input' is missing"),
        (HEAD.replace('"embedder"', '"detector"') + embedder_sections(), "'detection' is missing"),
        (HEAD.replace('"embedder"', '"detector"') + DETECTOR_SECTIONS.replace("0.6", "60"), "number from 0 to 1"),
        (HEAD.replace('"embedder"', '"detector"') + DETECTOR_SECTIONS.replace("[8, 16, 32]", "[]"), "list of counts"),
        (HEAD.replace('"embedder"', '"detector"') + DETECTOR_SECTIONS.replace("[-0.4, -0.4, 0.0], ", ""), "5 rows"),
    ],
)
def test_a_manifest_with_a_fault_is_refused_naming_the_file_and_the_fault(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        parse_manifest(text.encode(), "mine.toml")
    assert "mine.toml" in str(caught.value)


def test_mirrored_templates_are_of_another_space_than_plain_ones_of_the_same_weights() -> None:
    plain = parse_manifest(EMBEDDER.encode(), "mine.toml")
    mirrored = parse_manifest(EMBEDDER.replace("[output]", "[output]\nmirrored = true").encode(), "mine.toml")
    assert mirrored.sha256 == plain.sha256 == plain.model
    assert mirrored.model != plain.model and len(mirrored.model) == 64
    assert mirrored.label == f"mine-2024-{mirrored.model[:8]}"
    with pytest.raises(ModelError, match="true or false"):
        parse_manifest(EMBEDDER.replace("[output]", '[output]\nmirrored = "yes"').encode(), "mine.toml")
