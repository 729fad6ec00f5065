"""What answers say about members that are left out, and pages of other origins."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape
from tests.contract.rekognition.rekognition_fakes import FakeGuard, picture, serving
from tests.contract.rekognition.wire import signed_headers

from countenance.api.cors import SHOWN, cross_origin
from countenance.api.rekognition.left_out import BY_ATTRIBUTE, LEFT_OUT, OF_COMPARED_FACE


def headers(answer: Any) -> dict[str, str]:
    return dict(answer["ResponseMetadata"]["HTTPHeaders"])


@pytest.mark.parametrize(
    ("attributes", "members"),
    [
        (["GENDER"], "Gender"),
        (["DEFAULT", "AGE_RANGE", "EMOTIONS"], "AgeRange, Emotions"),
        (["ALL"], ", ".join(BY_ATTRIBUTE.values())),
    ],
)
def test_an_answer_names_what_was_asked_for_and_left_out(client: Any, attributes: list[str], members: str) -> None:
    answer = client.detect_faces(Image={"Bytes": picture("ann")}, Attributes=attributes)
    assert headers(answer)[LEFT_OUT] == f"{members}; docs/adr/0005-no-inferred-traits.md"
    client.create_collection(CollectionId="staff")
    answer = client.index_faces(CollectionId="staff", Image={"Bytes": picture("ann")}, DetectionAttributes=attributes)
    assert headers(answer)[LEFT_OUT].startswith(members)


def test_where_nothing_is_left_out_nothing_is_said(client: Any) -> None:
    assert LEFT_OUT not in headers(client.detect_faces(Image={"Bytes": picture("ann")}))
    assert LEFT_OUT not in headers(client.detect_faces(Image={"Bytes": picture("ann")}, Attributes=["DEFAULT"]))
    assert LEFT_OUT not in headers(client.list_collections())


def test_compared_faces_lack_what_rekognition_adds_unasked(client: Any) -> None:
    answer = client.compare_faces(SourceImage={"Bytes": picture("ann")}, TargetImage={"Bytes": picture("ann")})
    assert headers(answer)[LEFT_OUT].startswith("Emotions, Smile; ")


def test_the_members_are_those_of_the_model() -> None:
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    model = ServiceModel(loader.load_service_model("rekognition", "service-2"), "rekognition")
    asked = set(model.shape_for("Attribute").metadata["enum"]) - {"ALL", "DEFAULT"}
    assert set(BY_ATTRIBUTE) == asked, "an attribute is new in the model: decide about it"
    detail, compared = model.shape_for("FaceDetail"), model.shape_for("ComparedFace")
    assert isinstance(detail, StructureShape)
    assert isinstance(compared, StructureShape)
    assert set(BY_ATTRIBUTE.values()) <= set(detail.members)
    assert set(OF_COMPARED_FACE) <= set(compared.members)


def test_a_page_of_a_named_origin_may_call_and_read_our_headers(guard: FakeGuard) -> None:
    with serving(guard, wrap=lambda app: cross_origin(app, ("https://app.example",))) as url:
        asks = {
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-amz-date,x-amz-target",
        }
        allowed = httpx.options(f"{url}/", headers=asks, trust_env=False)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "x-amz-target" in allowed.headers["access-control-allow-headers"]
        strange = httpx.options(f"{url}/", headers={**asks, "Origin": "https://evil.example"}, trust_env=False)
        assert "access-control-allow-origin" not in strange.headers
        signed = {**signed_headers(url, b"{}"), "Origin": "https://app.example"}
        answer = httpx.post(f"{url}/", content=b"{}", headers=signed, trust_env=False)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        shown = answer.headers["access-control-expose-headers"]
        assert all(name in shown for name in SHOWN)
    assert len(guard.asked) == 1, "what is not signed reaches nothing"


def test_without_origins_nothing_is_allowed(url: str) -> None:
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{url}/", headers=asks, trust_env=False)
    assert answer.status_code == 404
    assert not [name for name in answer.headers if name.startswith("access-control")]
