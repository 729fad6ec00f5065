"""Which files `countenance enrol` takes, and under which ids: nobody is merged, nothing is left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.api.rekognition import Objects
from countenance.cli.enrol.log import EnrolmentLog, stamp_of
from countenance.cli.enrol.names import EXTERNAL_ID, external_id
from countenance.cli.enrol.pictures import Listing, PictureFile, in_bucket, in_folder, in_manifest
from countenance.cli.enrol.run import EnrolmentRun
from countenance.errors import AlreadyExists, BadRequest, NoSuchObject, NotFound
from countenance.operations import QualityFilter


def is_picture(begins: bytes) -> bool:
    return begins.startswith(b"picture")


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
    return folder


def ids(listing: Listing) -> dict[str, str]:
    return {picture.name: picture.external_id for picture in listing.pictures}


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_two_names_have_two_ids_and_each_leads_back_to_its_name(one: str, other: str) -> None:
    try:
        names = [unicodedata.normalize("NFC", name) for name in (one, other)]
        [name.encode() for name in names]
    except UnicodeEncodeError:  # lone surrogates stand for bytes of a file name that is not UTF-8
        return
    made_ids = [external_id(one), external_id(other)]
    assert all(EXTERNAL_ID.fullmatch(each) for each in made_ids)
    assert (made_ids[0] == made_ids[1]) == (names[0] == names[1])
    for name, identity in zip(names, made_ids, strict=True):
        if len(identity) < 255:
            assert unquote(identity.replace(":", "%")) == name


def test_a_name_that_is_too_long_keeps_an_id_of_its_own() -> None:
    one, other = (external_id("王" * 100 + end) for end in "ab")
    assert one != other
    assert all(EXTERNAL_ID.fullmatch(each) for each in (one, other))


def test_a_name_has_one_id_whichever_computer_wrote_it() -> None:
    assert external_id("Jose\u0301") == external_id("José") == "Jos:C3:A9"


def test_files_of_the_same_name_in_several_folders_are_several_pictures(tmp_path: Path) -> None:
    listing = in_folder(made(tmp_path, "day0/IMG_1.JPG", "day1/IMG_1.JPG", "IMG_1.JPG"), "file", is_picture)
    assert ids(listing) == {
        "IMG_1.JPG": "IMG_1", "day0/IMG_1.JPG": "day0:2FIMG_1", "day1/IMG_1.JPG": "day1:2FIMG_1",
    }  # fmt: skip


def test_folders_name_people_also_where_a_folder_lies_in_another(tmp_path: Path) -> None:
    listing = in_folder(
        made(tmp_path / "all", "a/Ann/1.png", "a/Ann/2.png", "b/Ann/1.png", "x.png"), "folder", is_picture
    )
    assert ids(listing) == {
        "a/Ann/1.png": "a:2FAnn", "a/Ann/2.png": "a:2FAnn", "b/Ann/1.png": "b:2FAnn", "x.png": "all",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "named_by", "both"),
    [
        (("ann.jpg", "ann.png"), "file", "ann.jpg and ann.png"),
        (("all/1.png", "2.png"), "folder", "the folder itself and all"),
        (("Jose\u0301/1.png", "José/2.png"), "folder", "Jos"),
    ],
)
def test_where_two_would_share_an_id_nothing_is_enrolled(
    tmp_path: Path, names: tuple[str, ...], named_by: str, both: str
) -> None:
    folder = made(tmp_path / "all", *names)
    if len({path.name for path in folder.iterdir()}) < len(names):
        pytest.skip("this file system takes the two names for one")
    with pytest.raises(BadRequest, match=f"{both}.* would both be enrolled as"):
        in_folder(folder, "folder" if named_by == "folder" else "file", is_picture)


def test_every_file_that_is_not_taken_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = made(tmp_path, "ok.jpg", "album.jpg/in.png", "Trip/deep.txt.jpg")
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("no picture")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "linked").symlink_to(folder / "Trip", target_is_directory=True)
    os.mkfifo(folder / "pipe.jpg")
    listing = in_folder(folder, "file", is_picture)
    assert list(ids(listing)) == ["ok.jpg", "Trip/deep.txt.jpg", "album.jpg/in.png"]
    assert dict(listing.left_out) == {
        "album.jpg": "a folder, not a picture; what lies in it is looked at",
        "empty.jpg": "the file is empty",
        "gone.jpg": "a link to a file that is not there",
        "linked": "a link to a folder, which is not followed",
        "notes.txt": "not a kind of picture that is read here",
        "pipe.jpg": "not a regular file",
    }


def test_a_name_is_told_on_one_line_whatever_its_letters_are(tmp_path: Path) -> None:
    odd = ["a\nb.jpg: enrolled.txt", "\x1b[2J.txt", "Zoë.txt", os.fsdecode(b"caf\xe9.txt"), "\u202etxt.exe", "a\\b.txt"]
    for name in odd:
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "ok\r.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = [
        sys.executable,
        "-c",
        "from countenance.cli import main; main()",
        "enrol",
        "g",
        str(tmp_path),
        "--dry-run",
    ]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"}, capture_output=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr
    said = [line.partition(": not enrolled: ")[0] for line in done.stderr.decode().split("\n") if line]
    assert sorted(said) == sorted(
        ["a\\nb.jpg: enrolled.txt", "\\x1b[2J.txt", "Zoë.txt", "caf\\xe9.txt", "\\u202etxt.exe", "a\\b.txt"]
    )
    assert done.stdout.decode().split("\n")[0] == "ok\\r.png -> ok:0D"


def test_a_manifest_states_files_ids_and_users(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "sub/b.jpg")
    manifest = tmp_path / "people.csv"
    manifest.write_text("\ufeffpath,id,user\na.jpg,ann-1,ann\nsub/b.jpg,bob,\nmissing.jpg,bob,\n", encoding="utf-8")
    listing = in_manifest(manifest, tmp_path, is_picture)
    assert [(p.name, p.external_id, p.user) for p in listing.pictures] == [
        ("a.jpg", "ann-1", "ann"),
        ("sub/b.jpg", "bob", None),
    ]
    assert listing.left_out == (("missing.jpg", "there is no such file"),)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("file,id\na.jpg,ann\n", "has the columns path, id"),
        ("path,id,colour\na.jpg,ann,red\n", "has the columns path, id"),
        ("path,id\na.jpg,Ann Lee\n", "row 2: an id is 1 to 255 letters"),
        ("path,id\na.jpg,\n", "row 2: an id is 1 to 255 letters"),
        ("path,id\n../a.jpg,ann\n", "row 2: a path lies below the folder"),
        ("path,id\n,ann\n", "row 2: a path lies below the folder"),
        ("path,id\na.jpg,ann\na.jpg,bob\n", "row 3: a.jpg stands in a row before"),
        ("path,id\na.jpg,ann,ann\n", "row 2: more cells than columns"),
        ("path,id\na.jpg,ann\n./a.jpg,bob\n", "row 3: a.jpg stands in a row before"),
        ("path,id\na.jpg,ann\nb/../a.jpg,bob\n", "row 3: a.jpg stands in a row before"),
        ("path,id\na\0.jpg,ann\n", "row 2: a path lies below the folder"),
        ("path,id\n/etc/hostname,ann\n", "row 2: a path lies below the folder"),
        ("path,id,user\na.jpg,ann,Ann Lee\n", "row 2: a user is 1 to 128 letters"),
        ("path,id,user\na.jpg,ann," + "u" * 129 + "\n", "row 2: a user is 1 to 128 letters"),
        ("path,id,id\na.jpg,ann,bob\n", "each once; got 'path', 'id', 'id'"),
        ("", "each once; got none"),
        ('path,id\n"a.jpg,ann\n', "cannot be read as a table"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused_by_its_row(tmp_path: Path, text: str, what: str) -> None:
    made(tmp_path, "a.jpg")
    (tmp_path / "people.csv").write_text(text)
    with pytest.raises(BadRequest, match=what):
        in_manifest(tmp_path / "people.csv", tmp_path, is_picture)


def test_a_manifest_in_another_encoding_is_refused_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes("path,id\na.jpg,1\njosé.jpg,2\n".encode("latin-1"))
    with pytest.raises(BadRequest, match="not a CSV file in UTF-8 or UTF-16, from row 3 on"):
        in_manifest(tmp_path / "people.csv", tmp_path, is_picture)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfpath;id;user\r\njos\xc3\xa9.jpg;1;u\r\n",
        b"sep=;\npath;id;user\njos\xc3\xa9.jpg;1;u\n",
        "path\tid\tuser\r\njosé.jpg\t1\tu\r\n".encode("utf-16"),
        "path,id,user\njosé.jpg,1,u\n".encode("utf-16"),
        "Path, ID, User\njosé.jpg, 1, u\n".encode(),
        "path,id,user,\rjosé.jpg,1,u,\r".encode(),
        '"path","id","user"\n\n./josé.jpg,1,"u"\n\n'.encode(),
    ],
)
def test_a_manifest_is_read_as_spreadsheets_write_it(tmp_path: Path, content: bytes) -> None:
    made(tmp_path, "josé.jpg")
    (tmp_path / "people.csv").write_bytes(content)
    (picture,) = in_manifest(tmp_path / "people.csv", tmp_path, is_picture).pictures
    assert (picture.name, picture.external_id, picture.user) == ("josé.jpg", "1", "u")


def test_a_manifest_that_names_what_nobody_can_open_goes_on_without_it(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg")
    (tmp_path / "one.jpg").symlink_to("two.jpg")
    (tmp_path / "two.jpg").symlink_to("one.jpg")
    (tmp_path / "people.csv").write_text(f"path,id\none.jpg,1\n{'x' * 300}.jpg,2\na.jpg,3\n")
    listing = in_manifest(tmp_path / "people.csv", tmp_path, is_picture)
    assert ids(listing) == {"a.jpg": "3"}
    assert [why.partition(":")[0] for _, why in listing.left_out] == ["it cannot be read"] * 2


def test_a_manifest_may_spell_a_name_as_another_computer_does(tmp_path: Path) -> None:
    """Excel writes é as one letter, a Mac's disk as two; Windows parts folders by backslashes."""
    mac = unicodedata.normalize("NFD", "Zoë")
    made(tmp_path, f"{mac}/{unicodedata.normalize('NFC', 'é')}.jpg", "sub/b.jpg", "c\\d.jpg", "c/d.jpg")
    both = [unicodedata.normalize(form, "ö.jpg") for form in ("NFC", "NFD")]
    made(tmp_path, *both)
    rows = (
        f"{unicodedata.normalize('NFC', 'Zoë')}/{unicodedata.normalize('NFD', 'é')}.jpg,zoe\nsub\\b.jpg,b\n"
        f"c\\d.jpg,d\n{both[0]},1\n{both[1]},2\nnobody\\x.jpg,x\n"
    )
    (tmp_path / "people.csv").write_text(f"path,id\n{rows}", encoding="utf-8")
    listing = in_manifest(tmp_path / "people.csv", tmp_path, is_picture)
    assert ids(listing) == {f"{mac}/é.jpg": "zoe", "sub/b.jpg": "b", "c\\d.jpg": "d", both[0]: "1", both[1]: "2"}
    assert listing.left_out == (("nobody\\x.jpg", "there is no such file"),)
    (tmp_path / "people.csv").write_text("path,id\n..\\out.jpg,x\n", encoding="utf-8")
    made(tmp_path.parent, "out.jpg")
    with pytest.raises(BadRequest, match="below the folder"):
        in_manifest(tmp_path / "people.csv", tmp_path, is_picture)


def test_a_journal_remembers_a_picture_as_it_was_and_survives_a_broken_line(tmp_path: Path) -> None:
    (picture,) = in_folder(made(tmp_path / "in", "a.jpg"), "file", is_picture).pictures
    assert isinstance(picture, PictureFile)
    with EnrolmentLog.of(tmp_path, ["job"]) as journal:
        assert not journal.done(picture.name, stamp_of(picture))
        journal.add(picture.name, stamp_of(picture), ("face-1",))
    with journal.path.open("a") as file:
        file.write('["b.jpg", "1:')
    again = EnrolmentLog.of(tmp_path, ["job"])
    assert again.done(picture.name, stamp_of(picture))
    assert not again.replaced(picture.name, stamp_of(picture))
    assert not EnrolmentLog.of(tmp_path, ["another job"]).done(picture.name, stamp_of(picture))
    picture.path.write_bytes(b"picture, another")
    assert not again.done(picture.name, stamp_of(picture))
    assert again.replaced(picture.name, stamp_of(picture))


def test_a_picture_whose_id_changed_is_done_again(tmp_path: Path) -> None:
    (picture,) = in_folder(made(tmp_path / "in", "a.jpg"), "file", is_picture).pictures
    assert isinstance(picture, PictureFile)
    with EnrolmentLog.of(tmp_path, ["job"]) as journal:
        journal.add(picture.name, stamp_of(picture), ("face-1",))
    other = PictureFile(picture.path, picture.name, "other")
    assert not journal.done(other.name, stamp_of(other))


def test_objects_of_a_bucket_get_the_ids_of_files_in_a_folder(tmp_path: Path) -> None:
    made(tmp_path, "staff/Ann/1.jpg", "staff/b.c.png", "visitors/x.png")
    (tmp_path / "staff" / "empty.jpg").touch()
    (tmp_path / "staff" / "linked.jpg").symlink_to(tmp_path / "staff" / "b.c.png")
    objects = Objects({"photos": tmp_path})
    listing = in_bucket("photos", "staff/", objects.listed("photos", "staff/"), "file", None)
    assert ids(listing) == {"Ann/1.jpg": "Ann:2F1", "b.c.png": "b.c"}
    assert listing.left_out == (("empty.jpg", "the object is empty"),)
    folders = in_bucket("photos", "staff/", objects.listed("photos", "staff/"), "folder", None)
    assert ids(folders) == {"Ann/1.jpg": "Ann", "b.c.png": "staff"}
    assert ids(in_bucket("photos", "", objects.listed("photos", ""), "folder", None))["visitors/x.png"] == "visitors"
    before = {picture.name: stamp_of(picture) for picture in listing.pictures}
    (tmp_path / "staff" / "b.c.png").write_bytes(b"another picture")
    again = in_bucket("photos", "staff/", objects.listed("photos", "staff/"), "file", None)
    assert [picture.name for picture in again.pictures if stamp_of(picture) != before[picture.name]] == ["b.c.png"]
    with pytest.raises(NoSuchObject):
        list(objects.listed("others", ""))


def test_a_manifest_names_objects_of_a_bucket(tmp_path: Path) -> None:
    made(tmp_path, "in/a.jpg", "in/b.jpg")
    manifest = tmp_path / "people.csv"
    manifest.write_text("path,id,user\nb.jpg,bob,bob\n../people.csv,x,\n", encoding="utf-8")
    objects = Objects({"photos": tmp_path})
    listing = in_bucket("photos", "in/", objects.listed("photos", "in/"), "file", manifest)
    assert [(p.name, p.external_id, p.user) for p in listing.pictures] == [("b.jpg", "bob", "bob")]
    assert listing.left_out == (("../people.csv", "there is no such object"),)


def test_of_two_runs_that_make_the_gallery_at_once_both_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery = SimpleNamespace(created_at=datetime(2026, 11, 30, tzinfo=UTC), faces=0)
    described = [NotFound("not yet"), gallery, gallery]  # the other run made it after this one looked

    def describe(_: str) -> object:
        told = described.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    def carry_out(*_: object) -> None:
        raise AlreadyExists("the other run made it")

    app: Any = SimpleNamespace(
        tools=SimpleNamespace(gallery=SimpleNamespace(describe=describe, faces=None)),
        guard=SimpleNamespace(carry_out=carry_out),
        objects=None,
        settings=SimpleNamespace(home=tmp_path),
    )
    caller: Any = None
    EnrolmentRun(app, caller, "staff", 1, QualityFilter.AUTO).run("folder", Listing((), ()))
    assert "staff held 0 faces and now holds 0 faces" in capsys.readouterr().out
    assert not described
