import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.unit.engine.picture_files import saved
from tests.unit.engine.tiny_models import SIDE, add_model, embedder_sections, mean_colour_embedder, tiny_models

from countenance.engine import Engine, FaceEngine, Limits, Picture
from countenance.engine.weights import read_weights
from countenance.errors import DamagedImage, ModelError
from countenance.faces import Point


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    engine = Engine.open(folder, "squares", "colours", threads=2, extra=folder, smallest_face=80)
    yield engine
    engine.close()


def scene(
    *cells: tuple[int, int], width: int = 320, height: int = 256, colour: tuple[int, int, int] = (255, 255, 255)
) -> bytes:
    """A black PNG with a filled 32-pixel cell for each (row, column)."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    for row, column in cells:
        picture[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = colour
    return saved(picture, "PNG")


def test_a_face_is_where_it_is_in_ratios_of_the_picture(engine: Engine) -> None:
    picture = engine.look(scene((3, 2)))
    assert (picture.width, picture.height) == (320, 256)
    (face,) = picture.faces
    middle_x, middle_y = 2.5 * 32, 3.5 * 32
    assert face.box.left * 320 == pytest.approx(middle_x - SIDE / 2)
    assert face.box.top * 256 == pytest.approx(middle_y - SIDE / 2)
    assert face.box.width * 320 == pytest.approx(SIDE)
    assert face.box.height * 256 == pytest.approx(SIDE)
    assert face.confidence == pytest.approx(100)
    assert face.quality.size_px == pytest.approx(SIDE)
    assert face.landmarks.left_eye.x < face.landmarks.nose.x < face.landmarks.right_eye.x
    assert face.landmarks.left_eye.y < face.landmarks.nose.y < face.landmarks.left_mouth.y


def test_no_face_is_a_picture_without_faces(engine: Engine) -> None:
    picture = engine.look(scene())
    assert picture.faces == ()
    assert engine.embed(picture, picture.faces) == []


def test_a_large_picture_is_searched_small_and_reported_in_its_own_ratios(engine: Engine) -> None:
    picture = engine.look(scene(*[(r, c) for r in range(8, 12) for c in range(12, 16)], width=2560, height=1280))
    assert (picture.width, picture.height) == (2560, 1280)
    (face,) = picture.faces
    # At 640 x 320 the white block is the 32-pixel cell in row 2, column 3.
    assert face.box.left + face.box.width / 2 == pytest.approx(3.5 * 32 / 640)
    assert face.box.top + face.box.height / 2 == pytest.approx(2.5 * 32 / 320)
    assert face.quality.size_px == pytest.approx(4 * SIDE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_kept_as_small_as_its_faces_allow(engine: Engine, kind: str) -> None:
    # At a quarter of the size the face is one cell, its eyes 26 pixels apart: less than the 35 that the target has.
    picture = np.zeros((2560, 2560, 3), dtype=np.uint8)
    picture[1024:1152, 512:640] = 255
    found = engine.look(saved(picture, kind))
    assert (found.width, found.height) == (2560, 2560)
    assert found.reduction == 2
    assert found.pixels.shape == (1280, 1280, 3)
    (face,) = found.faces
    (middle,) = found.position([Point(face.box.left + face.box.width / 2, face.box.top + face.box.height / 2)])
    assert middle == pytest.approx([(576 - 0.5) / 2, (1088 - 0.5) / 2], abs=1)
    assert face.quality.size_px == pytest.approx(4 * SIDE, rel=0.01)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_without_faces_is_kept_as_it_was_searched(engine: Engine, kind: str) -> None:
    assert engine.look(saved(np.zeros((2560, 2560, 3), dtype=np.uint8), kind)).reduction == 4


def test_a_position_is_the_same_place_at_every_reduction() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    at = [Picture(800, 400, (), pixels, b"", r).position([Point(0.25, 0.5)])[0] for r in (1, 2, 4)]
    assert at[0].tolist() == [200, 200]
    assert [(p + 0.5) * r - 0.5 for p, r in zip(at, (1, 2, 4), strict=True)] == [pytest.approx([200, 200])] * 3


def test_a_picture_that_is_no_multiple_of_the_stride_is_padded_without_moving_the_face(engine: Engine) -> None:
    picture = engine.look(scene((1, 2), width=301, height=207))
    (face,) = picture.faces
    assert face.box.left * 301 == pytest.approx(2.5 * 32 - SIDE / 2, abs=1e-3)


def test_faces_come_largest_first_and_no_more_than_the_limit(engine: Engine) -> None:
    image = np.zeros((256, 320, 3), dtype=np.uint8)
    sizes = {(1, 1): 255, (1, 7): 0, (5, 1): 128, (5, 7): 64}  # the less blue, the larger
    for rank, ((row, column), blue) in enumerate(sizes.items()):
        image[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = (255 - 10 * rank, 255, blue)
    faces = engine.look(saved(image, "PNG")).faces
    assert [face.quality.size_px for face in faces] == pytest.approx(
        [SIDE * 2 ** (1 - b / 255) for b in (0, 64, 128, 255)]
    )
    assert engine.look(saved(image, "PNG"), Limits(max_faces=3)).faces == faces[:3]


def test_templates_are_of_the_colours_in_the_order_red_green_blue(engine: Engine, folder: Path) -> None:
    picture = engine.look(scene((3, 2), colour=(255, 200, 190)))
    (template,) = engine.embed(picture, picture.faces)
    assert template.model == engine.model
    assert template.vector.shape == (6,)
    # The cut is larger than the block, so only the proportions are known.
    assert template.vector[:3] / template.vector[0] == pytest.approx([1, 200 / 255, 190 / 255], rel=0.03)
    assert np.linalg.norm(template.vector) == pytest.approx(1, abs=1e-6)


def test_templates_come_in_the_order_of_the_faces(engine: Engine) -> None:
    picture = np.zeros((256, 320, 3), dtype=np.uint8)
    picture[32:64, 32:64] = (255, 200, 255)
    picture[160:192, 160:192] = (200, 255, 255)
    found = engine.look(saved(picture, "PNG"))
    faces = sorted(found.faces, key=lambda face: face.box.left)
    first, second = engine.embed(found, faces)
    assert first.vector[0] > first.vector[1]
    assert second.vector[0] < second.vector[1]
    again = engine.embed(found, faces[::-1])
    assert np.array_equal(again[0].vector, second.vector)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize(("side", "dimension"), [(112, 512), (160, 3), (20, 7)])
def test_any_embedder_is_added_by_a_manifest_and_a_file(tmp_path: Path, layout: str, side: int, dimension: int) -> None:
    tiny_models(tmp_path)
    sections = embedder_sections(side, dimension, layout, "bgr", mean=(10, 20, 30), scale=(0.5, 0.25, 0.125))
    add_model(tmp_path, "other", "embedder", mean_colour_embedder(side, dimension, layout), sections)
    engine = Engine.open(tmp_path, "squares", "other", threads=1, extra=tmp_path)
    assert engine.dimension == dimension
    assert engine.version.startswith("other-1-")
    flat = np.zeros((256, 320, 3), dtype=np.uint8)
    picture = engine.look(scene((3, 2)))
    (template,) = engine.embed(type(picture)(320, 256, picture.faces, flat + np.uint8(210)), picture.faces)
    # (210 - mean) x scale, channels blue, green, red
    expected = np.array([200 * 0.5, 190 * 0.25, 180 * 0.125])
    assert template.vector[:3] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)


def test_an_embedder_of_another_dimension_than_its_manifest_says_is_refused(tmp_path: Path) -> None:
    tiny_models(tmp_path)
    add_model(tmp_path, "other", "embedder", mean_colour_embedder(20, 6), embedder_sections(20, 5))
    with pytest.raises(ModelError, match="gives 6 numbers, its manifest says 5"):
        Engine.open(tmp_path, "squares", "other", extra=tmp_path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    tiny_models(tmp_path)
    add_model(tmp_path, "other", "embedder", b"not an onnx file", embedder_sections())
    with pytest.raises(ModelError, match=r"other \(other.onnx\) cannot be run"):
        Engine.open(tmp_path, "squares", "other", extra=tmp_path)


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    tiny_models(tmp_path)
    file = tmp_path / "colours.onnx"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="wrong hash"):
        Engine.open(tmp_path, "squares", "colours", extra=tmp_path)


def test_mixed_precision_is_near_f32_for_every_face_of_a_batch(tmp_path: Path) -> None:
    tiny_models(tmp_path)
    mixed = '[mixed]\nexact_until = "colour"\n'
    add_model(tmp_path, "other", "embedder", mean_colour_embedder(), embedder_sections() + mixed)
    exact = Engine.open(tmp_path, "squares", "other", threads=2, extra=tmp_path, precision="f32")
    engine = Engine.open(tmp_path, "squares", "other", threads=2, extra=tmp_path, precision="mixed")
    assert (exact.precision, engine.precision) == ("f32", "mixed")
    rng = np.random.default_rng(0)
    picture = np.zeros((1280, 1280, 3), dtype=np.uint8)
    for row in range(1, 19, 3):
        for column in range(1, 19, 3):
            picture[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = [255, *rng.integers(200, 256, 2)]
    seen = exact.look(saved(picture[:640, :640], "PNG"))
    assert len(seen.faces) > 30
    for ours, theirs in zip(engine.embed(seen, seen.faces), exact.embed(seen, seen.faces), strict=True):
        assert float(ours.vector @ theirs.vector) > 0.9999
        assert not np.array_equal(ours.vector, theirs.vector) or "BF16" not in capabilities()


def capabilities() -> list[str]:
    import openvino

    return list(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def test_a_model_is_computed_in_f32_unless_its_manifest_allows_more(engine: Engine, folder: Path) -> None:
    assert engine.precision == "f32"


def test_a_cut_at_a_tensor_that_is_not_there_is_refused(tmp_path: Path) -> None:
    tiny_models(tmp_path)
    mixed = '[mixed]\nexact_until = "nothing"\n'
    add_model(tmp_path, "other", "embedder", mean_colour_embedder(), embedder_sections() + mixed)
    with pytest.raises(ModelError, match="no tensor 'nothing'"):
        Engine.open(tmp_path, "squares", "other", extra=tmp_path, precision="mixed")


def test_a_model_of_the_wrong_kind_or_an_unknown_name_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="no detector called 'colours'; there are squares, yunet"):
        Engine.open(folder, "colours", "colours", extra=folder)
    with pytest.raises(ModelError, match="no embedder called 'nobody'"):
        Engine.open(folder, "squares", "nobody", extra=folder)


def test_many_threads_get_the_answers_that_one_gets(engine: Engine) -> None:
    images = [scene((1 + i % 4, 1 + i % 6), colour=(255, 190 + i, 255 - i)) for i in range(16)]

    def answer(image: bytes) -> list[bytes]:
        picture = engine.look(image)
        return [template.vector.tobytes() for template in engine.embed(picture, picture.faces)]

    alone = [answer(image) for image in images]
    together: list[list[bytes]] = [[]] * len(images)

    def work(start: int) -> None:
        for i in range(start, len(images), 8):
            together[i] = answer(images[i])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_bulk_gives_each_image_its_answer_in_order_and_names_what_cannot_be_read(engine: Engine) -> None:
    images = [scene((1, 1), (5, 5)), b"", scene(), scene((2, 2))[:-20], scene((2, 2))] * 5
    seen = list(engine.templates(iter(images), choose="all"))
    assert [len(sighting.templates) for sighting in seen] == [2, 0, 0, 0, 1] * 5
    assert [type(sighting.error) for sighting in seen[3:5]] == [DamagedImage, type(None)]
    assert all(len(sighting.faces) == len(sighting.templates) for sighting in seen)


def test_bulk_chooses_the_largest_or_the_most_central_face(engine: Engine) -> None:
    image = scene((1, 1), (3, 5))
    whole = engine.look(image)
    (central,) = next(engine.templates([image], choose="centre")).faces
    assert central.box.left > 0.3
    (largest,) = next(engine.templates([image], choose="largest")).faces
    assert largest == whole.faces[0]


def test_bulk_reads_only_a_few_images_ahead(engine: Engine) -> None:
    read = 0

    def images() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield scene((1, 1))

    stream = engine.templates(images())
    next(stream)
    assert isinstance(stream, Generator)
    stream.close()
    assert read <= 10


def test_an_error_in_the_source_of_images_reaches_the_caller(engine: Engine) -> None:
    def images() -> Iterator[bytes]:
        yield scene((1, 1))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        list(engine.templates(images()))


def test_the_engine_follows_its_protocol(engine: Engine, folder: Path) -> None:
    def use(any_engine: FaceEngine) -> int:
        return any_engine.dimension

    assert use(engine) == 6
    assert engine.model in read_weights_hash(folder)


def read_weights_hash(folder: Path) -> set[str]:
    from countenance.engine.manifest import load_manifests

    manifest = load_manifests(folder)["colours"]
    assert read_weights(manifest, folder)
    return {manifest.sha256}
