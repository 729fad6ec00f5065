"""Which picture stands for which face: certain, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from countenance.cli.migrate.matching import Matched, Row, by_manifest, by_rule, read_manifest
from countenance.cli.migrate.pictures import Folder
from countenance.cli.migrate.source import SourceFace, SourceGallery
from countenance.errors import BadRequest

PLACE = (0.1, 0.1, 0.2, 0.2)


def gallery(*faces: SourceFace) -> SourceGallery:
    return SourceGallery("g", faces, ())


def face(face_id: str, external_id: str | None, picture: str | None = None, user: str | None = None) -> SourceFace:
    return SourceFace(face_id, external_id, user, picture, PLACE)


def holding(folder: Path, *names: str) -> Folder:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"a picture")
    return Folder(folder)


def said(matched: Matched) -> tuple[list[tuple[str, str | None, bool]], list[tuple[str, str, int]]]:
    """Items as (picture, face, whether its place is known); the others as (face, reason, how many)."""
    items = [(i.picture.name, i.face.face_id if i.face else None, i.place is not None) for i in matched.items]
    return items, [(u.face_id, u.reason, u.faces) for u in matched.unmatched]


def test_one_picture_with_several_faces_at_the_source_gives_each_its_place(tmp_path: Path) -> None:
    pictures = holding(tmp_path, "party.jpg")
    items, rest = said(
        by_rule(gallery(face("1", "party", "i"), face("2", "party", "i")), pictures, "{ExternalImageId}.jpg")
    )
    assert items == [("party.jpg", "1", True), ("party.jpg", "2", True)] and rest == []


def test_one_picture_cannot_stand_for_two_that_were_sent(tmp_path: Path) -> None:
    pictures = holding(tmp_path, "ann.jpg")
    items, rest = said(
        by_rule(gallery(face("1", "ann", "i"), face("2", "ann", "j")), pictures, "{ExternalImageId}.jpg")
    )
    assert items == [("ann.jpg", None, False)]  # which of the two it is, nobody knows; it needs one face only
    assert rest == [("", "no picture for this face", 1)]


def test_faces_of_two_users_are_not_told_apart_by_one_name(tmp_path: Path) -> None:
    pictures = holding(tmp_path, "x.jpg")
    faces = gallery(face("1", "x", "i", "ann"), face("2", "x", "j", "ben"))
    items, rest = said(by_rule(faces, pictures, "{ExternalImageId}.jpg"))
    assert items == [] and rest == [("1", "user differs", 1), ("2", "user differs", 1)]


def test_a_face_without_the_word_of_the_rule_has_no_picture(tmp_path: Path) -> None:
    items, rest = said(by_rule(gallery(face("1", None)), holding(tmp_path), "{ExternalImageId}.jpg"))
    assert items == [] and rest == [("1", "no picture for this face", 1)]


def test_an_id_that_leads_out_of_the_folder_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "1.jpg").write_bytes(b"a secret")
    items, rest = said(by_rule(gallery(face("1", "..")), Folder(tmp_path / "in"), "{ExternalImageId}/1.jpg"))
    assert items == [] and rest == [("1", "no picture for this face", 1)]


def test_rows_that_mean_the_same_faces_stand_for_each_other(tmp_path: Path) -> None:
    pictures = holding(tmp_path, "a.jpg", "b.jpg")
    rows = [Row(2, "g", "a.jpg", "ann", "", ""), Row(3, "g", "b.jpg", "ann", "", ""), Row(4, "h", "b.jpg", "x", "", "")]
    source = gallery(face("1", "ann", "i"), face("2", "ann", "j"), face("3", "ben"))
    items, rest = said(by_manifest(source, pictures, rows))
    assert items == [("a.jpg", None, False), ("b.jpg", None, False)]
    assert rest == [("3", "no picture for this face", 1)]
    sure = [Row(2, "g", "a.jpg", "", "", "2"), Row(3, "g", "b.jpg", "ann", "", "1")]
    assert said(by_manifest(source, pictures, sure))[0] == [("a.jpg", "2", True), ("b.jpg", "1", True)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("path,external_id\na,b\n", "has the columns collection, path"),
        ("collection,path,age\ng,a,3\n", "has the columns"),
        ("collection,path\ng,a,b\n", "row 2: more cells"),
        ("collection,path,user\ng,,ann\n", "row 2: a row names a collection and a path"),
        ("collection,key\ng,a\n", "has the columns"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused_with_its_row(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(BadRequest, match=why):
        read_manifest(tmp_path / "m.csv", in_bucket=False)
