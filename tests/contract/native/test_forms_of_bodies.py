"""Pictures as JSON, as a form and as plain bytes, by httpx and by curl: the same operations, limits and refusals."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contract.native.native_world import World, world
from tests.fakes.engine import picture_of
from tests.fakes.rules import FixedRules

from countenance.policy import Verdict

CURL = shutil.which("curl")


def as_json(client: httpx.Client, path: str, image: bytes, **members: Any) -> httpx.Response:
    return client.post(path, json={"image": base64.b64encode(image).decode(), **members})


def as_form(client: httpx.Client, path: str, image: bytes, **members: Any) -> httpx.Response:
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in members.items()}
    return client.post(path, files={"image": ("a.jpg", image, "image/jpeg")}, data=texts)


def as_bytes(client: httpx.Client, path: str, image: bytes, **members: Any) -> httpx.Response:
    return client.post(path, content=image, headers={"content-type": "image/jpeg"}, params=members)


def as_octets(client: httpx.Client, path: str, image: bytes, **members: Any) -> httpx.Response:
    return client.post(path, content=image, headers={"content-type": "application/octet-stream"}, params=members)


Form = Callable[..., httpx.Response]
FORMS = [as_json, as_form, as_bytes, as_octets]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("forms"), FixedRules(Verdict.PERMIT)) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(made: World) -> dict[str, str]:
    return made.granted()


@pytest.fixture(scope="module")
def client(made: World, key: dict[str, str]) -> httpx.Client:
    return made.faces(key["access_key"], key["secret"])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_asks_for_the_same_operation(made: World, client: httpx.Client, form: Form) -> None:
    gallery = f"g-{form.__name__}"
    client.post("/galleries", json={"gallery_id": gallery})
    seen = form(client, "/detections", picture_of(1, 2)).json()
    assert (seen["width"], len(seen["faces"])) == (100, 2)
    done = form(client, f"/galleries/{gallery}/faces", picture_of(1, 2), external_id="007", max_faces=2)
    assert [each["external_id"] for each in done.json()["enrolled"]] == ["007", "007"], "a number that is a name"
    found = form(client, f"/galleries/{gallery}/searches", picture_of(2), limit=1, similarity=90, faces="largest")
    assert found.json()["similarity"] == 90.0
    assert [len(each["leads"]) for each in found.json()["results"]] == [1]
    asked = [entry for entry in made.ledger.entries() if entry.fields.get("operation") == "search_picture"][-1]
    assert asked.kind == "decision"


def test_two_pictures_are_compared_from_a_form_and_not_from_bytes(client: httpx.Client) -> None:
    pair = {"source": picture_of(1), "target": picture_of(9, 1)}
    done = client.post("/comparisons", files=pair, data={"similarity": "80"})
    assert (done.json()["outcome"], len(done.json()["others"])) == ("leads", 1)
    refused = client.post("/comparisons", content=picture_of(1), headers={"content-type": "image/png"})
    assert (refused.status_code, refused.json()["detail"]) == (
        415,
        "The content type is application/json or multipart/form-data.",
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_mandate_is_asked_before_anything_is_decoded(shared: World, form: Form) -> None:
    key = shared.granted(operations=["detect"])
    narrow = shared.faces(key["access_key"], key["secret"])
    before = shared.ledger.size
    assert form(narrow, "/galleries/g-x/faces", b"nothing of a picture").status_code == 403
    assert shared.ledger.size == before + 1, "one refusal, and nothing that was tried after it"
    assert form(narrow, "/detections", b"nothing of a picture").json()["type"].endswith("damaged-image")


@pytest.mark.parametrize("form", FORMS)
def test_what_does_not_fit_is_named_and_never_repeated(client: httpx.Client, form: Form) -> None:
    path = "/galleries/g-none/searches"
    for members, at in (
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"similarity": 101}, "similarity"),
        ({"quality": "GOOD"}, "quality"),
        ({"surprise": "x"}, "surprise"),
    ):
        answer = form(client, path, picture_of(1), **members)
        assert answer.status_code == 422, answer.text
        assert [fault["at"].rpartition(".")[2] for fault in answer.json()["faults"]] == [at]
        assert "many" not in answer.text
        assert "GOOD" not in answer.text


def test_what_is_said_twice_is_refused_by_name_in_every_form(made: World, client: httpx.Client) -> None:
    image = base64.b64encode(picture_of(1)).decode()
    client.post("/galleries", json={"gallery_id": "g-twice"})
    before = made.ledger.size
    said = f'{{"image": "{image}", "external_id": "a", "external_id": "b"}}'
    for path, content, kind in (
        ("/galleries/g-twice/faces", said, "application/json"),
        ("/galleries/g-twice/faces", said.replace("external_id", "external\\u005fid", 1), "application/json"),
        ("/galleries", '{"gallery_id": "g-twice", "gallery_id": "g-other"}', "application/json"),
    ):
        answer = client.post(path, content=content, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:countenance:problem:bad-request")
        assert "_id' stands twice in one object" in answer.json()["detail"]
    lines = f'{said}\n{{"image": "{image}", "external_id": "c"}}\n'
    ndjson = {"content-type": "application/x-ndjson"}
    bulk = client.post("/galleries/g-twice/enrolments", content=lines, headers=ndjson)
    first, second = (json.loads(line) for line in bulk.text.splitlines())
    assert "'external_id' stands twice" in first["problem"]["detail"]
    assert second["enrolment"]["enrolled"][0]["external_id"] == "c"
    box = '[{"left": 0, "top": 0, "width": 1, "height": 1, "width": 0.1}]'
    form = client.post("/redactions", files={"file": picture_of(1)}, data={"except_boxes": box})
    assert (form.status_code, "'width' stands twice" in form.json()["detail"]) == (400, True)
    assert made.ledger.size == before + 2, "the line that says one thing, and nothing else"


@pytest.mark.parametrize(("path", "member"), [("searches", "limit"), ("faces", "max_faces")])
def test_in_json_a_number_is_no_text_and_no_truth(client: httpx.Client, path: str, member: str) -> None:
    client.post("/galleries", json={"gallery_id": "g-numbers"})
    for value in ("5", True, 1.5, None):
        answer = as_json(client, f"/galleries/g-numbers/{path}", picture_of(1), **{member: value})
        assert answer.status_code == 422, (value, answer.text)
        assert [fault["at"].rpartition(".")[2] for fault in answer.json()["faults"]] == [member]
    assert as_json(client, f"/galleries/g-numbers/{path}", picture_of(1), **{member: 5.0}).status_code == 200


def test_bodies_that_are_none_of_these_are_refused_in_words(client: httpx.Client) -> None:
    path = "/detections"
    named = {"content-type": "multipart/form-data; boundary=b"}
    for content, headers, status in (
        (picture_of(1), {"content-type": "text/plain"}, 415),
        (picture_of(1), {}, 415),
        (picture_of(1), {"content-type": "video/mp4"}, 415),
        (b"no form", named, 400),
        (b"--b\r\ncontent-disposition: form-data; name=image; filename=a\r\n\r\npeople:1", named, 422),  # cut off
        (b"", {"content-type": "multipart/form-data"}, 400),
        (b"--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n", named, 400),
        (b"--b--\r\n", named, 422),
    ):
        answer = client.post(path, content=content, headers=headers)
        assert answer.status_code == status, (content, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert "image/*" in client.post(path, content=b"x", headers={"content-type": "text/plain"}).json()["detail"]


def test_a_member_stands_once_and_in_one_place(client: httpx.Client) -> None:
    image = base64.b64encode(picture_of(1)).decode()
    path = "/galleries/g-none/searches"
    assert client.post(path, params={"limit": 1}, json={"image": image}).status_code == 400
    twice = client.post(path + "?limit=1&limit=2", content=picture_of(1), headers={"content-type": "image/png"})
    both = client.post(path, params={"image": image}, content=picture_of(1), headers={"content-type": "image/png"})
    form = client.post(path, files=[("image", picture_of(1)), ("image", picture_of(2))])
    for answer in (twice, both, form):
        assert (answer.status_code, "more than once" in answer.json()["detail"]) == (400, True), answer.text
    deep = client.post("/detections", files={"image": picture_of(1)}, data={"x": "[" * 50_000})
    assert deep.status_code == 422
    long = client.post("/detections", files={"image": picture_of(1)}, data={"x": "y" * 70_000})
    assert long.status_code == 400


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=b"])
def test_a_body_of_any_form_is_bounded(client: httpx.Client, kind: str) -> None:
    declared = client.post("/detections", content=b"x" * (16 * 2**20 + 1), headers={"content-type": kind})
    chunked = client.post(
        "/detections", content=(b"x" * 2**20 for _ in range(17)), headers={"content-type": kind}
    )  # declares nothing
    assert [declared.status_code, chunked.status_code] == [413, 413]


def test_a_form_lies_on_no_disk(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise AssertionError("a picture was written to a file")

    monkeypatch.setattr(tempfile, "TemporaryFile", none)
    large = picture_of(1) + b"," + b"1" * (3 * 2**20)
    assert client.post("/detections", files={"image": large}).json()["faces"][0]


@pytest.mark.skipif(CURL is None, reason="there is no curl on this machine")
def test_curl_sends_a_file_as_it_is(made: World, key: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(picture_of(1, 2))
    address = f"{made.url}/v1/detections"
    for sent in (
        ["-F", f"image=@{file}"],
        ["-H", "Content-Type: image/jpeg", "--data-binary", f"@{file}"],
        ["-X", "POST", "-H", "Content-Type: image/jpeg", "-T", str(file)],
    ):
        command = [str(CURL), "-s", "--noproxy", "*", "-u", f"{key['access_key']}:{key['secret']}", *sent, address]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        assert len(json.loads(done.stdout)["faces"]) == 2, done.stdout
