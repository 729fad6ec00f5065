from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import given
from hypothesis import strategies as st

from countenance.api.admission import MAX_VALUES
from countenance.api.rekognition.errors import Refused
from countenance.api.rekognition.shapes import load_model, matches, parse, parse_json

MODEL = load_model()
FACE_ID = "01234567-89ab-cdef-0123-456789abcdef"


def shape(operation: str) -> StructureShape:
    found = MODEL.operation_model(operation).input_shape
    assert found is not None
    return found


def refused(operation: str, value: dict[str, Any] | list[Any] | None) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        parse(value, shape(operation))
    return caught.value.fault.type, str(caught.value)


def test_a_good_request_is_read_with_its_blobs_decoded() -> None:
    value = {
        "CollectionId": "staff-2.a_b",
        "Image": {"Bytes": base64.b64encode(b"\x00\xffpic").decode()},
        "MaxFaces": 3,
        "FaceMatchThreshold": 90,
        "QualityFilter": "HIGH",
    }
    assert parse(value, shape("SearchFacesByImage")) == {
        "CollectionId": "staff-2.a_b",
        "Image": {"Bytes": b"\x00\xffpic"},
        "MaxFaces": 3,
        "FaceMatchThreshold": 90.0,
        "QualityFilter": "HIGH",
    }


def test_null_means_absent() -> None:
    assert parse({"CollectionId": "a", "MaxResults": None}, shape("ListFaces")) == {"CollectionId": "a"}
    assert refused("ListFaces", {"CollectionId": None})[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("operation", "value", "kind", "place"),
    [
        ("ListFaces", {}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": ""}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": "a" * 256}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": "../../etc/passwd"}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": "a\0"}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": "a\n"}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": "käse"}, "InvalidParameterException", "CollectionId"),
        ("ListFaces", {"CollectionId": 5}, "SerializationException", "CollectionId"),
        ("ListFaces", {"CollectionId": ["a"]}, "SerializationException", "CollectionId"),
        ("ListFaces", {"CollectionId": "a", "MaxResults": -1}, "InvalidParameterException", "MaxResults"),
        ("ListFaces", {"CollectionId": "a", "MaxResults": 4097}, "InvalidParameterException", "MaxResults"),
        ("ListFaces", {"CollectionId": "a", "MaxResults": 1.0}, "SerializationException", "MaxResults"),
        ("ListFaces", {"CollectionId": "a", "MaxResults": True}, "SerializationException", "MaxResults"),
        ("ListFaces", {"CollectionId": "a", "MaxResults": "1"}, "SerializationException", "MaxResults"),
        ("ListFaces", {"CollectionId": "a", "NextToken": "x" * 256}, "InvalidParameterException", "NextToken"),
        ("ListFaces", {"CollectionId": "a", "FaceIds": []}, "InvalidParameterException", "FaceIds"),
        ("ListFaces", {"CollectionId": "a", "FaceIds": [FACE_ID, "x"]}, "InvalidParameterException", "FaceIds[1]"),
        ("ListFaces", {"CollectionId": "a", "FaceIds": [None]}, "SerializationException", "FaceIds[0]"),
        ("ListFaces", {"CollectionId": "a", "FaceIds": FACE_ID}, "SerializationException", "FaceIds"),
        ("DeleteFaces", {"CollectionId": "a", "FaceIds": [FACE_ID] * 4097}, "InvalidParameterException", "FaceIds"),
        ("SearchFaces", {"CollectionId": "a", "FaceId": FACE_ID.upper()}, "InvalidParameterException", "FaceId"),
        ("SearchFaces", {"CollectionId": "a", "FaceId": FACE_ID, "MaxFaces": 0}, "InvalidParameterException", "MaxF"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "QualityFilter": "auto"}, "InvalidParameterException", "Qu"),
        ("IndexFaces", {"CollectionId": "a", "Image": []}, "SerializationException", "Image"),
        ("DetectFaces", {"Image": {"Bytes": "###"}}, "SerializationException", "Image.Bytes"),
        ("DetectFaces", {"Image": {"Bytes": "YQ"}}, "SerializationException", "Image.Bytes"),
        ("DetectFaces", {"Image": {"Bytes": "YQ=="[:3] + " ="}}, "SerializationException", "Image.Bytes"),
        ("DetectFaces", {"Image": {"Bytes": "ü==="}}, "SerializationException", "Image.Bytes"),
        ("DetectFaces", {"Image": {"Bytes": ""}}, "InvalidParameterException", "Image.Bytes"),
        ("DetectFaces", {"Image": {"Bytes": 7}}, "SerializationException", "Image.Bytes"),
        ("DetectFaces", {"Image": {"Byte": "YQ=="}}, "InvalidParameterException", "Byte is not known in Image"),
        ("DetectFaces", {"Image": {}, "Attributes": ["AGE"]}, "InvalidParameterException", "Attributes[0]"),
        ("DetectFaces", {"Image": {"S3Object": {"Bucket": "a"}}}, "InvalidParameterException", "Bucket"),
        ("DetectFaces", [], "SerializationException", "the body"),
        ("DetectFaces", None, "SerializationException", "the body"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"aws:x": "1"}}, "InvalidParameterException", "Tags[0] key"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"x": 1}}, "SerializationException", "Tags[0]"),
    ],
)
def test_what_the_model_does_not_allow_is_refused_and_its_place_named(
    operation: str, value: dict[str, Any] | list[Any] | None, kind: str, place: str
) -> None:
    told, message = refused(operation, value)
    assert told == kind
    assert place in message


def test_no_message_repeats_what_was_sent() -> None:
    sent: list[tuple[str, dict[str, Any]]] = [
        ("ListFaces", {"CollectionId": "Erika Mustermann"}),
        ("ListFaces", {"CollectionId": "a", "Erika Mustermann": 1}),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "ExternalImageId": "Erika Mustermann"}),
        ("DetectFaces", {"Image": {"Bytes": "Erika Mustermann"}}),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"Erika*Mustermann": "x"}}),
    ]
    for operation, value in sent:
        assert "Erika" not in refused(operation, value)[1]


def test_an_image_may_hold_5_mib_and_not_a_byte_more() -> None:
    most = 5 * 1024 * 1024
    image = base64.b64encode(bytes(most)).decode()
    assert len(parse({"Image": {"Bytes": image}}, shape("DetectFaces"))["Image"]["Bytes"]) == most
    image = base64.b64encode(bytes(most + 1)).decode()
    kind, message = refused("DetectFaces", {"Image": {"Bytes": image}})
    assert kind == "ImageTooLargeException"
    assert "5242881" in message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_number_is_infinite_or_none(number: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_json(f'{{"FaceMatchThreshold": {number}}}'.encode())
    assert caught.value.fault.type == "SerializationException"


@pytest.mark.parametrize("threshold", [-0.1, 100.1, 1e308, -1e308, 10**400])
def test_thresholds_lie_between_0_and_100(threshold: float) -> None:
    value = {"CollectionId": "a", "FaceId": FACE_ID, "FaceMatchThreshold": threshold}
    if threshold == 10**400:  # as a parser could make it of a long row of digits
        value["FaceMatchThreshold"] = parse_json(b"9" * 300)
    assert refused("SearchFaces", value)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nope", b'{"a":1}x', b"\xff\xfe", b'"\xff"', b'"\\ud800"', b"[" * 100_000, b"[" * 2000 + b"]" * 2000],
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        parse_json(body)
    assert caught.value.fault.type == "SerializationException"


def test_a_body_of_very_many_values_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Refused, match="values"):
        parse_json(b"[" + b"[]," * MAX_VALUES + b"0]")
    largest = json.dumps({"CollectionId": "a" * 255, "FaceIds": [FACE_ID] * 4096}).encode()
    parse(parse_json(largest), shape("DeleteFaces"))


def test_patterns_match_the_whole_text() -> None:
    assert matches("Straße 5: é", r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")
    assert not matches("a\tb", r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")
    assert not matches("a\n", r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")
    assert not matches("aws:x", r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$")
    assert not matches("ab c", r"[a-z]+")


def test_every_pattern_and_type_of_the_model_can_be_checked() -> None:
    """botocore may bring new shapes with any release: this fails before a request does."""
    from countenance.api.rekognition.shapes import _PARSERS

    for name in MODEL.shape_names:
        found = MODEL.shape_for(name)
        assert found.type_name in _PARSERS
        if pattern := found.metadata.get("pattern"):
            matches("x", pattern)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
MEMBERS = st.sampled_from(
    ["CollectionId", "Image", "Bytes", "S3Object", "Bucket", "Name", "FaceIds", "MaxFaces", "Tags", "Attributes"]
)
NEAR = st.recursive(
    JSON,
    lambda inner: st.dictionaries(MEMBERS, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(MODEL.operation_names)), NEAR)
def test_any_json_is_either_read_or_refused(
    operation: str,
    value: bool
    | dict[str, Any]
    | list[
        dict[str, list[float | list[object] | None]]
        | int
        | list[dict[str, str] | list[dict[str, object] | None] | None]
        | None
    ]
    | None,
) -> None:
    try:
        parse(value, shape(operation))
    except Refused as error:
        assert error.fault.status < 500
