"""Requests by every operation of every dialect, about things that are there and things that are not, by many callers.

The operations come from the tables of the dialects and from the OpenAPI document, so that a new one is probed too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.contract.rekognition.rekognition_fakes import REGION
from tests.fakes.engine import picture_of

from countenance.api.azure.routes import SERVED
from countenance.api.native import document
from countenance.api.rekognition.actions import Actions
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import load_model
from countenance.api.rekognition.tag_actions import TagActions

Things = Mapping[str, str]
"""Names by kind: gallery, face, user, job and so on; what is probed for."""

MODEL = load_model()
AWS = Actions(REGION, Objects({}), Pages(b"k" * 32)).served
DOCUMENT = document()
PICTURE = base64.b64encode(picture_of(1)).decode()
LATER = "2099-01-01T00:00:00Z"


@dataclass(frozen=True)
class Probe:
    """One call. kinds: of the things that it names."""

    dialect: str
    name: str
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Noted(dict[str, str]):
    """Things that remembers which kinds were named."""

    def __init__(self, things: Things) -> None:
        super().__init__(things)
        self.named: set[str] = set()

    def __getitem__(self, kind: str) -> str:
        self.named.add(kind)
        return super().__getitem__(kind)


# Rekognition: by the members of the model ------------------------------------------------------------------------

_MEMBERS = {"CollectionId": "gallery", "FaceId": "face", "UserId": "user", "JobId": "job", "SessionId": "session"}
_ALSO = {"ListFaces": ("UserId", "FaceIds"), "SearchUsers": ("UserId",)}
"""Members that name things and may be left out."""
_JOBS = {"GetFaceDetection": "detection", "GetFaceSearch": "job"}


def aws_probe(operation: str, tagged: str, things: Things) -> Probe:
    """tagged: the kind of thing whose tags are meant."""
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    members: dict[str, Any] = {}
    for name in (*shape.required_members, *_ALSO.get(operation, ())):
        members[name] = _member(operation, name, tagged, things)
    return Probe("rekognition", operation, "POST", "/", json.dumps(members).encode())


def _member(operation: str, name: str, tagged: str, things: Things) -> Any:
    if name == "JobId":
        return things[_JOBS[operation]]
    if name in _MEMBERS:
        return things[_MEMBERS[name]]
    if name == "FaceIds":
        return [things["face"]]
    if name in ("Image", "SourceImage", "TargetImage"):
        return {"S3Object": {"Bucket": "films", "Name": things["object"]}}
    if name == "Video":
        return {"S3Object": {"Bucket": "films", "Name": things["video"]}}
    if name == "Name":
        return things["processor"]
    if name == "ResourceArn":
        name = things["gallery" if tagged == "collection" else "processor"]
        return f"arn:aws:rekognition:{REGION}:000000000000:{tagged}/{name}"
    if name == "Settings":
        return {"FaceSearch": {"CollectionId": things["gallery"]}}
    return {
        "Tags": {"a": "b"},
        "TagKeys": ["a"],
        "Input": {"KinesisVideoStream": {"Arn": "arn:aws:kinesisvideo:eu-test-1:000000000000:stream/a/1"}},
        "Output": {"KinesisDataStream": {"Arn": "arn:aws:kinesis:eu-test-1:000000000000:stream/a"}},
        "RoleArn": "arn:aws:iam::000000000000:role/a",
    }[name]


# Azure: by the table of routes -----------------------------------------------------------------------------------


def azure_probe(method: str, pattern: str, things: Things) -> Probe:
    kind = pattern.partition("/")[0]
    path = pattern
    for part in ("persons/{}", "persistedfaces/{}", f"{kind}/{{}}"):
        if part in path:
            word = part.partition("/")[0]
            own = {"persons": f"person of {kind}", "persistedfaces": f"face of {kind}"}.get(word, kind)
            path = path.replace(part, f"{word}/{things[own]}", 1)
    image = pattern == "detect" or (method == "POST" and pattern.endswith("persistedfaces"))
    body: Any = {"name": "x"} if method in ("PUT", "PATCH") or pattern.endswith("/persons") else None
    if method == "PATCH" and pattern.endswith("persistedfaces/{}"):
        body = {"userData": "x"}
    if pattern == "verify":
        body = {"faceId": things["kept"], "personGroupId": things["persongroups"],
                "personId": things["person of persongroups"]}  # fmt: skip
    elif pattern == "identify":
        body = {"faceIds": [things["kept"]], "largePersonGroupId": things["largepersongroups"]}
    elif pattern == "findsimilars":
        body = {"faceId": things["kept"], "largeFaceListId": things["largefacelists"]}
    elif pattern == "group":
        body = {"faceIds": [things["kept"], things["other kept"]]}
    content = (
        picture_of(1) if image else b"" if body is None or method in ("GET", "DELETE") else json.dumps(body).encode()
    )
    type_ = "application/octet-stream" if image else "application/json"
    return Probe("azure", f"{method} {pattern}", method, f"/face/v1.2/{path}", content, {"content-type": type_})


# /v1: by the document --------------------------------------------------------------------------------------------


def native_probe(method: str, path: str, things: Things) -> Probe:
    filled = re.sub(r"\{(\w+)\}", lambda each: things[_kind(each[1])], path)
    operation = DOCUMENT["paths"][path][method]
    content = operation.get("requestBody", {}).get("content", {})
    if method in ("get", "delete") or not content:
        body, kind = b"", ""
    elif "application/json" in content:
        body, kind = (
            json.dumps(_example("", content["application/json"]["schema"], things)).encode(),
            "application/json",
        )
    else:
        body, kind = json.dumps({"image": PICTURE}).encode() + b"\n", "application/x-ndjson"
    if path.endswith("/searches") and path.startswith("/v1/galleries"):
        body = json.dumps({"face_id": things["face"]}).encode()
    if path.endswith("/redactions"):
        body = json.dumps({"file": PICTURE, "except_gallery": things["gallery"]}).encode()
    if method == "get" and path.endswith("/faces"):
        filled += f"?user_id={things['user']}"
    headers = {"content-type": kind} if kind else {}
    return Probe("native", f"{method} {path}", method.upper(), filled, body, headers)


def _kind(parameter: str) -> str:
    return parameter.removesuffix("_id")


def _example(name: str, schema: Any, things: Things) -> Any:
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if name in ("image", "first", "second", "source", "target", "file") and schema.get("type") == "string":
        return PICTURE
    if name.endswith("_id") and _kind(name) in things:
        return things[_kind(name)]
    if name in ("until", "expires_at", "set_at"):
        return LATER
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", [])
        return {each: _example(each, schema["properties"][each], things) for each in required}
    if kind == "array":
        single = "face_id" if name == "face_ids" else ""
        return [_example(single, schema["items"], things)] * schema.get("minItems", 1)
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return {"right": 1, "bottom": 1}.get(name, max(schema.get("minimum", 0), 0))
    return (
        "films" if name == "bucket" else things["video"] if name == "name" else "x" * max(schema.get("minLength", 1), 1)
    )


def keyed_routes() -> Iterator[tuple[str, str]]:
    """The routes of callers with a key."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if operation["security"] == [{"key": []}]:
                yield method, path


def operator_routes() -> Iterator[tuple[str, str]]:
    """The routes of operators."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if operation["security"] == [{"operator": []}]:
                yield method, path


def probes(things: Things) -> Iterator[tuple[Probe, frozenset[str]]]:
    """Every operation that a key is for, with the kinds of things that it names."""
    for operation in AWS:
        kinds = ("collection", "streamprocessor") if operation in TagActions().served else ("",)
        for kind in kinds:
            yield _noted(aws_probe, operation, kind, things=things)
    for method, pattern in SERVED:
        yield _noted(azure_probe, method, pattern, things=things)
    for method, path in keyed_routes():
        yield _noted(native_probe, method, path, things=things)


def operator_probes(things: Things) -> Iterator[tuple[Probe, frozenset[str]]]:
    """Every route of operators, with the kinds of things that it names."""
    for method, path in operator_routes():
        yield _noted(native_probe, method, path, things=things)


def _noted(make: Any, *arguments: str, things: Things) -> tuple[Probe, frozenset[str]]:
    noted = Noted(things)
    return make(*arguments, noted), frozenset(noted.named)


# Sending ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holder:
    """Whose key it is, as it is sent; None: no key."""

    access_key: str | None
    secret: str = ""


def send(client: httpx.Client, probe: Probe, holder: Holder) -> httpx.Response:
    headers = dict(probe.headers)
    if probe.dialect == "rekognition":
        request = AWSRequest("POST", f"{client.base_url}", data=probe.body)
        request.headers["Content-Type"] = "application/x-amz-json-1.1"
        request.headers["X-Amz-Target"] = f"RekognitionService.{probe.name}"
        if holder.access_key is not None:
            SigV4Auth(Credentials(holder.access_key, holder.secret), "rekognition", REGION).add_auth(request)
        headers = dict(request.headers.items())
    elif holder.access_key is not None and probe.dialect == "azure":
        headers["Ocp-Apim-Subscription-Key"] = f"{holder.access_key}:{holder.secret}"
    elif holder.access_key is not None:
        pair = f"{holder.access_key}:{holder.secret}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return client.request(probe.method, probe.path, content=probe.body, headers=headers)


_CHANGES = {"date", "x-amzn-requestid", "apim-request-id", "content-length"}
_TIME = re.compile(r"\b[12]\d{9}(\.\d+)?\b")
_DAY = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
_RECEIPT = re.compile(r"v1;[^\"]+")


def shown(answer: httpx.Response, things: Things) -> str:
    """All that an answer tells but numbers, times and the ids that were sent."""
    headers = {name: "there" if "receipt" in name else value for name, value in answer.headers.items()}
    text = repr((answer.status_code, sorted((n, v) for n, v in headers.items() if n not in _CHANGES), answer.text))
    for kind, each in sorted(things.items(), key=lambda item: -len(item[1])):
        text = text.replace(each, f"<{kind}>")
    return _RECEIPT.sub("receipt", _DAY.sub("day", _TIME.sub("time", text)))
