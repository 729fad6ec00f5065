"""Reading a body with pictures lifted out says what reading it plainly says, whatever is in it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.api.rekognition import bodies
from countenance.api.rekognition.errors import Refused
from countenance.api.rekognition.shapes import Params, load_model, parse, parse_json
from countenance.errors import BadRequest

MODEL = load_model()
PICTURE = os.urandom(6000)
LONG = base64.b64encode(PICTURE).decode()
OTHER = base64.b64encode(PICTURE[::-1]).decode()


def shape(operation: str) -> StructureShape:
    members = MODEL.operation_model(operation).input_shape
    assert members is not None
    return members


def plainly(body: bytes, operation: str) -> Params:
    return parse(parse_json(body), shape(operation))


def said(read: Callable[[bytes, str], Params], body: bytes, operation: str) -> Params | tuple[str, str]:
    try:
        return read(body, operation)
    except Refused as error:
        return error.fault.type, str(error)
    except BadRequest as error:
        return "BadRequest", str(error)


def lifting(body: bytes, operation: str) -> Params:
    return bodies.read(body, shape(operation))


def body_of(value: object) -> bytes:
    return json.dumps(value).encode()


SEARCH = {"CollectionId": "c", "Image": {"Bytes": LONG}, "MaxFaces": 10}
ODD = [
    body_of(SEARCH),
    body_of({"Image": {"Bytes": LONG}, "CollectionId": "c"}),
    body_of(SEARCH).replace(b'"Bytes": ', b'"Bytes"\t:\r\n  '),
    body_of({"CollectionId": "c", "Image": {"Bytes": "AAAA"}}),
    body_of({"CollectionId": "c", "Image": {"Bytes": LONG + "!"}}),
    body_of({"CollectionId": "c", "Image": {"Bytes": LONG + "="}}),
    body_of({"CollectionId": "c", "Image": {"Bytes": LONG[:-1] + "\\n"}}),
    body_of({"CollectionId": "c", "Image": {"Bytes": "\ud800" * 5000}}),
    body_of({"CollectionId": LONG, "Image": {"Bytes": LONG}}),
    body_of({"CollectionId": "c", "Image": {"Bytes": [LONG]}}),
    body_of({"CollectionId": "c", "Image": {"Bytes": {"Bytes": LONG}}}),
    body_of({"Bytes": LONG}),
    body_of([SEARCH]),
    body_of({"CollectionId": "c", "Image": {'"Bytes': LONG}}),
    body_of({"CollectionId": 'x"Bytes":"' + LONG, "Image": {"Bytes": "AAAA"}}),
    body_of({"CollectionId": '"Bytes', "Image": {"Bytes": LONG}}),
    body_of(SEARCH)[:-1],
    body_of(SEARCH)[:-40],
    body_of(SEARCH) + b"x",
    b'{"CollectionId": ""Bytes":"' + LONG.encode() + b'"}',
    b'{"CollectionId": "\\"Bytes":"' + LONG.encode() + b'"}',
    body_of(SEARCH).replace(b'"Image": {', b'"Image": {"Bytes": "' + OTHER.encode() + b'", '),  # said twice
    body_of(SEARCH).replace(b"}, ", b', "Bytes": "AAAA"}, '),
    body_of(SEARCH)[:-1] + b', "Image": null}',
    body_of(SEARCH).replace(b'"MaxFaces": 10', b'"MaxFaces": ' + b"[" * 2000),
    body_of(SEARCH).replace(b"10}", b"[" + b"1," * 30_000 + b"1]}"),
    b"",
    b'"Bytes":"',
]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("operation", ["SearchFacesByImage", "CreateCollection", "ListFaces"])
def test_the_same_comes_of_it_or_the_same_is_wrong_with_it(body: bytes, operation: str) -> None:
    assert said(lifting, body, operation) == said(plainly, body, operation)


def test_two_pictures_come_out_each_in_its_place() -> None:
    value = {"SourceImage": {"Bytes": LONG}, "TargetImage": {"Bytes": OTHER}}
    read = lifting(body_of(value), "CompareFaces")
    assert (read["SourceImage"]["Bytes"], read["TargetImage"]["Bytes"]) == (PICTURE, PICTURE[::-1])


def test_a_tag_that_is_called_bytes_stays_a_text() -> None:
    value = {"CollectionId": "c", "Tags": {"Bytes": LONG}}
    assert said(lifting, body_of(value), "CreateCollection") == said(plainly, body_of(value), "CreateCollection")


def test_a_picture_is_not_parsed_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []

    def noted(body: bytes) -> Any:
        parsed.append(len(body))
        return parse_json(body)

    monkeypatch.setattr(bodies, "parse_json", noted)
    assert lifting(body_of(SEARCH), "SearchFacesByImage")["Image"]["Bytes"] == PICTURE
    assert len(parsed) == 1
    assert parsed[0] < 200


PIECES = st.sampled_from(
    [
        '"',
        "\\",
        "Bytes",
        '"Bytes"',
        ":",
        ",",
        "{",
        "}",
        " ",
        "Image",
        '"Image":{',
        LONG,
        LONG[:4090],
        "AA==",
        "é",
        "1",
        "\n",
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=8), st.integers(0, 40), st.integers(0, 3))
def test_no_splicing_of_text_makes_a_difference(pieces: list[str], at: int, cut: int) -> None:
    text = json.dumps({"Image": {"Bytes": LONG}, "CollectionId": "c"})
    body = (text[:at] + "".join(pieces) + text[at + cut :]).encode()
    assert said(lifting, body, "SearchFacesByImage") == said(plainly, body, "SearchFacesByImage")
