"""Bodies that no client sends, with a valid key, to the real server in each dialect: refused by name, at no cost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.integration.serving import REGION, grant, serving

from countenance.api.admission import MAX_VALUES
from countenance.mandates import AccessKey

DEEP = 100_000
FACE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Door:
    """A server, a key and what may be sent with it."""

    http: httpx.Client
    key: AccessKey
    log: Path

    def rekognition(self, body: bytes, operation: str = "SearchFaces", **more: str) -> httpx.Response:
        request = AWSRequest("POST", str(self.http.base_url), data=body)
        request.headers["X-Amz-Target"] = f"RekognitionService.{operation}"
        for name, value in {"Content_Type": "application/x-amz-json-1.1", **more}.items():
            request.headers[name.replace("_", "-")] = value
        SigV4Auth(Credentials(self.key.access_key, self.key.secret), "rekognition", REGION).add_auth(request)
        return self.http.post("/", content=body, headers=dict(request.headers.items()))

    def azure(self, body: bytes, **more: str) -> httpx.Response:
        headers = {
            name.replace("_", "-"): value for name, value in {"Content_Type": "application/json", **more}.items()
        }
        headers["Ocp-Apim-Subscription-Key"] = f"{self.key.access_key}:{self.key.secret}"
        return self.http.post("/face/v1.2/identify", content=body, headers=headers)

    def native(self, body: bytes, path: str = "/galleries/g/searches", **more: str) -> httpx.Response:
        headers = {
            name.replace("_", "-"): value for name, value in {"Content_Type": "application/json", **more}.items()
        }
        return self.http.post(f"/v1{path}", content=body, headers=headers, auth=(self.key.access_key, self.key.secret))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    log = tmp_path_factory.mktemp("log") / "log"
    with serving(log.parent / "home", log) as live:
        key = grant(live.environment)
        with httpx.Client(base_url=live.endpoint, timeout=30, trust_env=False) as http:
            made = Door(http, key, log)
            assert made.rekognition(b'{"CollectionId":"g"}', "CreateCollection").status_code == 200
            yield made
    said = log.read_text()
    assert "failed" not in said and "Exception" not in said and "Traceback" not in said, said


VALUES: dict[str, bytes] = {
    "open brackets": b"[" * DEEP,
    "brackets": b"[" * DEEP + b"]" * DEEP,
    "a thousand brackets": b"[" * 1000 + b"]" * 1000,
    "objects": b'{"a":' * DEEP,
    "1e400": b"1e400",
    "-1e400": b"-1e400",
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "digits": b"9" * DEEP,
    "above 64 bits": b"18446744073709551616",
    "negative": b"-9223372036854775809",
    "true": b"true",
    "list": b"[]",
    "object": b"{}",
    "half of a pair": rb'"\ud800"',
    "half of a pair in bytes": b'"\xed\xa0\x80"',
    "too long UTF-8": b'"\xc0\xaf"',
    "NUL": rb'"a\u0000b"',
    "NUL in bytes": b'"a\0b"',
    "line break": rb'"a\r\nX-Evil: 1"',
    "line break in bytes": b'"a\r\nb"',
    "10 MB": b'"' + b"a" * 10_000_000 + b'"',
    "many lists": b"[" + b"[]," * 3_000_000 + b"0]",
    "many objects": b"[" + b"{}," * 3_000_000 + b"0]",
    "many numbers": b"[" + b"0," * 4_000_000 + b"0]",
    "many members": b"{" + b"".join(b'"k%d":0,' % n for n in range(700_000)) + b'"k":0}',
}
"""In place of a threshold."""
WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "in a list": lambda body: b"[" + body + b"]",
    "twice": lambda body: body + body,
    "as UTF-16": lambda body: body.decode().encode("utf-16"),
    "as UTF-32": lambda body: body.decode().encode("utf-32"),
    "with a comma at the end": lambda body: body[:-1] + b",}",
    "with a comment": lambda body: b"/**/" + body,
    "with a name of 10 MB": lambda body: body[:-1] + b',"' + b"k" * 10_000_000 + b'":1}',
    "with a name that ends in NUL": lambda body: body[:-1] + rb',"a\u0000":1}',
    "with a prototype": lambda body: body[:-1] + b',"__proto__":{"a":1}}',
    "a number": lambda body: b"1",
    "blank": lambda body: b"   ",
}
PICTURE = b"aGVsbG8="
FITS = {
    "rekognition": b'{"CollectionId":"g","FaceId":"%s","FaceMatchThreshold":@@}' % FACE.encode(),
    "azure": b'{"largePersonGroupId":"g","faceIds":["%s"],"confidenceThreshold":@@}' % FACE.encode(),
    "native": b'{"image":"%s","threshold":@@}' % PICTURE,
}
REFUSED = {"rekognition": (400,), "azure": (400, 413), "native": (400, 422)}


def refused(dialect: str, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in REFUSED[dialect], answer.text[:500]
    assert len(answer.content) < 2000
    assert not {"x-evil"} & set(answer.headers)
    said: dict[str, Any] = json.loads(answer.content)
    return said


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("dialect", FITS)
def test_no_value_but_a_threshold_is_one(door: Door, dialect: str, name: str) -> None:
    refused(dialect, getattr(door, dialect)(FITS[dialect].replace(b"@@", VALUES[name])))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("dialect", FITS)
def test_no_body_but_an_object_in_utf_8_is_one(door: Door, dialect: str, name: str) -> None:
    refused(dialect, getattr(door, dialect)(WHOLE[name](FITS[dialect].replace(b"@@", b"0.5"))))


@pytest.mark.parametrize("dialect", FITS)
def test_a_compressed_body_is_refused_and_never_unpacked(door: Door, dialect: str) -> None:
    answer = getattr(door, dialect)(gzip.compress(bytes(100_000_000)), Content_Encoding="gzip")
    assert answer.status_code == (415 if dialect == "azure" else 400)
    assert any(word in answer.text for word in ("compressed", "Content-Encoding"))


def test_json_of_many_values_is_refused_by_its_number_before_it_is_parsed(door: Door) -> None:
    for path in ("/galleries", "/galleries/g/faces", "/comparisons", "/redactions"):
        said = refused("native", door.native(b'{"a":[' + b"0," * MAX_VALUES + b"0]}", path))
        assert said["detail"] == f"the body holds more than {MAX_VALUES:,} values of JSON"
    line = b'{"image":[' + b"0," * MAX_VALUES + b"0]}\n"
    assert door.native(line, "/galleries/g/enrolments", Content_Type="application/x-ndjson").status_code == 400
    commas = b"," * (MAX_VALUES + 1)
    sent = door.native(commas, "/galleries/g/faces", Content_Type="image/jpeg")
    assert sent.status_code == 415 and "not read here" in sent.text  # a file's bytes are no JSON


def test_refusals_say_what_is_read(door: Door) -> None:
    assert "JSON in UTF-8" in door.native(b"[" * 1000, "/galleries").json()["detail"]
    assert "JSON in UTF-8" in door.native(b"{", "/galleries/g/searches").json()["detail"]
    assert "JSON in UTF-8" in door.azure(b"{").json()["error"]["message"]
    assert "JSON in UTF-8" in door.rekognition(b"{").json()["message"]
    form = door.native(b"gallery_id=g", "/galleries", Content_Type="application/x-www-form-urlencoded")
    assert form.status_code == 422 and "application/json" in form.json()["faults"][0]["says"]


SAYS = "Value error, a picture in base64 (RFC 4648, section 4: padded, in one line) is expected"
BASE64 = {
    "blanks": b" aGVs bG8= ",
    "line breaks": rb"aGVs\nbG8=",
    "url": b"-_-_",
    "no padding": b"aGVsbG8",
    "too much padding": b"aGVsbG8==",
    "padding inside": b"aGVs=bG8",
    "a data URL": b"data:image/jpeg;base64,aGVsbG8=",
    "other letters": "aGVsbG8ä".encode(),
}


@pytest.mark.parametrize("name", BASE64)
def test_base64_is_the_standard_one(door: Door, name: str) -> None:
    sent = door.rekognition(b'{"Image":{"Bytes":"%s"}}' % BASE64[name], "DetectFaces")
    assert "base64 (RFC 4648, section 4" in refused("rekognition", sent)["message"]
    said = refused("native", door.native(b'{"image":"%s"}' % BASE64[name], "/galleries/g/faces"))
    assert said["faults"] == [{"at": "body.image", "says": SAYS}], said
