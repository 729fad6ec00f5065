"""Requests below boto3: signed by botocore's signer, then sent byte by byte as a test likes."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, SECRET


@dataclass(frozen=True)
class Told:
    """A status, the error type (None where all went well), the parsed body and the headers."""

    status: int
    type: str | None
    body: Any
    headers: dict[str, str]


def signed_headers(
    url: str, body: bytes, operation: str = "ListCollections", *, key: str = ACCESS_KEY, **more: str
) -> dict[str, str]:
    request = AWSRequest("POST", f"{url}/", data=body)
    request.headers["Host"] = urlsplit(url).netloc
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    request.headers["X-Amz-Target"] = f"RekognitionService.{operation}"
    for name, value in more.items():
        del request.headers[name.replace("_", "-")]
        request.headers[name.replace("_", "-")] = value
    SigV4Auth(Credentials(key, SECRET), "rekognition", REGION).add_auth(request)
    return dict(request.headers.items())


def send(
    url: str, body: bytes | Iterable[bytes], headers: dict[str, str], method: str = "POST", path: str = "/"
) -> Told:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        return told(connection.getresponse())
    finally:
        connection.close()


def told(response: http.client.HTTPResponse) -> Told:
    content = response.read()
    body = json.loads(content) if content else None
    kind = body.get("__type") if isinstance(body, dict) else None
    return Told(response.status, kind, body, {name.lower(): value for name, value in response.getheaders()})


def ask(url: str, body: bytes, operation: str = "ListCollections", **more: str) -> Told:
    return send(url, body, signed_headers(url, body, operation, **more))
