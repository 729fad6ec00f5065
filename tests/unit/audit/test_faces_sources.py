from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.engine import FakeEngine, picture_of, vector_of

from countenance.audit.formats.plan import ImageFolder, TemplateFile
from countenance.audit.sources.images import read_images
from countenance.audit.sources.templates import Faces, read_templates
from countenance.engine.picture import Picture
from countenance.errors import BadRequest, NotFound


def templates(folder: Path, vectors: np.ndarray, **arrays: object) -> TemplateFile:
    members: Any = {name: np.asarray(value) for name, value in arrays.items()}  # names of arrays, not of options
    np.savez(folder / "t.npz", template=vectors, **members)
    return TemplateFile("t.npz")


def some(n: int, d: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)


def test_templates_come_with_their_people_and_are_made_unit_length(tmp_path: Path) -> None:
    source = templates(tmp_path, 3 * some(3), subject=["b", "a", "b"], race=["x", "y", "x"])
    found = read_templates(source, tmp_path, ["race"])
    assert found.people.ids == ("a", "b")
    assert found.subjects.tolist() == [1, 0, 1]
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)
    assert found.findings == ("3 templates of t.npz were not of length 1 and were scaled; scores are cosines",)


def test_a_plain_array_takes_its_labels_from_a_table_in_order(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", some(2))
    (tmp_path / "l.csv").write_text("race\nx\ny\n")
    found = read_templates(TemplateFile("t.npy", labels="l.csv", subject=None), tmp_path, ["race"])
    assert found.people.ids is None
    assert found.people.codes.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda v: v * np.nan, "hold NaN or infinity"),
        (lambda v: v * 0, "are all zeros"),
        (lambda v: v[:, 0], "table of decimal numbers"),
        (lambda v: v.astype(np.int32), "table of decimal numbers"),
    ],
)
def test_templates_that_are_none_are_refused(tmp_path: Path, spoil: Callable[..., Any], words: str) -> None:
    source = templates(tmp_path, spoil(some(3)), subject=["a", "b", "c"], race=["x", "y", "x"])
    with pytest.raises(BadRequest, match=words):
        read_templates(source, tmp_path, ["race"])


def test_arrays_that_do_not_fit_are_named(tmp_path: Path) -> None:
    source = templates(tmp_path, some(3), subject=["a", "b"], race=["x", "y", "x"])
    with pytest.raises(BadRequest, match=r"array 'subject' has shape \(2,\) for 3 templates"):
        read_templates(source, tmp_path, ["race"])
    with pytest.raises(BadRequest, match="no array 'sex'; it has race, subject, template"):
        read_templates(source, tmp_path, ["sex"])
    (tmp_path / "l.csv").write_text("subject,race\na,x\n")
    with pytest.raises(BadRequest, match=r"l.csv has 1 rows for 3 templates"):
        read_templates(TemplateFile("t.npz", labels="l.csv"), tmp_path, ["race"])


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadRequest, match=r"no .npy or .npz file of plain arrays"):
        read_templates(TemplateFile("t.npy", subject=None), tmp_path, [])


class Pictures:
    """A folder of the fake engine's pictures with a label table."""

    def __init__(self, folder: Path, rows: list[tuple[str, str, str, bytes | None]]) -> None:
        self.folder = folder
        (folder / "p").mkdir()
        lines = ["file,subject,sex"]
        for name, subject, sex, content in rows:
            lines.append(f"{name},{subject},{sex}")
            if content is not None:
                (folder / "p" / name).write_bytes(content)
        (folder / "l.csv").write_text("\n".join(lines) + "\n")

    def read(self, engine: FakeEngine, choose: str = "largest") -> Faces:
        source = ImageFolder("p", "l.csv", choose=choose)  # type: ignore[arg-type]
        return read_images(source, self.folder, ["sex"], engine, self.folder / "cache", workers=2)


ROWS = [
    ("1.jpg", "ann", "f", picture_of(1)),
    ("2.jpg", "ann", "f", picture_of(2, 9)),
    ("3.jpg", "bob", "m", picture_of()),
    ("4.jpg", "bob", "m", b"broken"),
    ("5.jpg", "cyd", "m", None),
    ("6.jpg", "cyd", "m", picture_of(6)),
]


def test_images_without_a_face_are_outcomes_not_missing_rows(tmp_path: Path) -> None:
    found = Pictures(tmp_path, ROWS).read(FakeEngine())
    assert found.outcomes is not None
    assert found.outcomes.failed.tolist() == [False, False, True, True, True, False]
    assert found.outcomes.unreadable.tolist() == [False, False, False, True, False, False]
    assert found.outcomes.subjects.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.subjects.tolist() == [0, 0, 2]
    np.testing.assert_array_equal(np.isnan(found.outcomes.quality["sharpness"]), found.outcomes.failed)
    assert found.findings == ("1 of 6 images are not there; they count as failures",)


def test_the_face_asked_for_is_the_one_embedded(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, ROWS)
    np.testing.assert_array_equal(pictures.read(FakeEngine()).vectors[1], vector_of(2))
    # the fake's second face sits at the centre less than its first
    assert pictures.read(FakeEngine(), "centre").vectors.shape == (3, 32)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, ROWS)

    class Interrupted(FakeEngine):
        def look(self, image: bytes, limits: Any = None) -> Picture:
            if image == picture_of(6):
                raise KeyboardInterrupt
            return super().look(image)

    first = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        pictures.read(first)
    second = FakeEngine()
    found = pictures.read(second)
    assert second.looked <= 2  # number 6, and at most one that was under way
    assert found.vectors.shape == (3, 32)
    third = FakeEngine()
    again = pictures.read(third)
    assert third.looked == 0
    np.testing.assert_array_equal(again.vectors, found.vectors)
    assert again.outcomes is not None and found.outcomes is not None
    np.testing.assert_array_equal(again.outcomes.quality["sharpness"], found.outcomes.quality["sharpness"])


def test_a_cache_is_never_mistaken_for_another_engines(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, ROWS)
    pictures.read(FakeEngine())
    other = FakeEngine()
    other.version = "fake-2"
    pictures.read(other)
    assert other.looked == 5


def test_templates_on_disk_are_for_their_owner_only(tmp_path: Path) -> None:
    Pictures(tmp_path, ROWS).read(FakeEngine())
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_images_outside_the_folder_and_files_named_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"1 files of l.csv lie outside"):
        Pictures(tmp_path, [*ROWS, ("../l.csv", "x", "f", None)]).read(FakeEngine())
    (tmp_path / "twice").mkdir()
    with pytest.raises(BadRequest, match="names 1 files twice"):
        Pictures(tmp_path / "twice", [*ROWS, ROWS[0]]).read(FakeEngine())


def test_no_face_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no image gave a template"):
        Pictures(tmp_path, [("1.jpg", "a", "f", b"broken")]).read(FakeEngine())


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file t.npz"):
        read_templates(TemplateFile("t.npz"), tmp_path, ["race"])
