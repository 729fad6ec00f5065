"""One request of a description, built and sent: POST, no redirect followed, no picture by URL."""

from __future__ import annotations

import base64
import json
import re
import secrets
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import IO, Any

from countenance.audit.sources.live.adapter.description import CallRequest, SecretSlot, SignatureSlot
from countenance.errors import Misconfigured

_LARGEST_ANSWER = 64 * 1024 * 1024
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class BuiltRequest:
    """A request: its address, headers and body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class AdapterAnswer:
    """An answer: HTTP status, seconds to wait that it names (or None), and its body as it came."""

    status: int
    wait_s: float | None
    body: bytes


def build(
    endpoint: str,
    request: CallRequest,
    pictures: Mapping[str, bytes],
    tokens: Mapping[str, str],
    keys: Mapping[SecretSlot, str],
) -> BuiltRequest:
    """The request with its pictures and secrets in it. pictures, tokens: by placeholder. keys: secrets that are set."""
    values = {**{name: base64.b64encode(image).decode() for name, image in pictures.items()}, **tokens}
    placed = {
        where: {slot.name: slot.prefix + value for slot, value in keys.items() if slot.into == where}
        for where in ("header", "query", "field")
    }
    if request.body == "multipart":
        texts = {**{name: _filled(text, values) for name, text in request.fields.items()}, **placed["field"]}
        kind, body = _multipart(texts, {part: pictures[name] for part, name in request.files.items()})
    elif request.body == "form":
        texts = {**{name: _filled(text, values) for name, text in request.fields.items()}, **placed["field"]}
        kind, body = "application/x-www-form-urlencoded", urllib.parse.urlencode(texts).encode()
    elif request.body == "json":
        kind = request.content_type or "application/json"
        body = json.dumps(_filled(json.loads(request.json), values)).encode()
    else:
        kind, body = request.content_type or "application/octet-stream", pictures["image"]
    query = urllib.parse.urlencode({**request.query, **placed["query"]})
    url = endpoint + urllib.parse.quote(request.path, safe="/:@!$&'()*+,;=-._~%") + (f"?{query}" if query else "")
    headers = {"Accept": "application/json", **request.headers, **placed["header"], "Content-Type": kind}
    return BuiltRequest(url, headers, body)


def signed(request: BuiltRequest, slot: SignatureSlot, key_id: str, secret: str) -> BuiltRequest:
    """`request` with AWS Signature Version 4."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    aws = AWSRequest("POST", request.url, dict(request.headers), request.body)
    SigV4Auth(Credentials(key_id, secret), slot.service, slot.region).add_auth(aws)
    return BuiltRequest(request.url, dict(aws.headers.items()), request.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: following it would hand the pictures and the key to somebody else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def send(request: BuiltRequest, timeout_s: float = 60.0) -> AdapterAnswer:
    """Send it. OSError: it cannot be reached. Misconfigured: its certificate, or an answer that is too long."""
    opener = urllib.request.build_opener(_NoRedirect)
    http_request = urllib.request.Request(request.url, request.body, dict(request.headers), method="POST")  # noqa: S310
    try:
        with opener.open(http_request, timeout=timeout_s) as answer:
            return _read(answer.status, answer.headers, answer.read(_LARGEST_ANSWER + 1))
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.headers, error.read(_LARGEST_ANSWER + 1))
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise Misconfigured(f"the service's certificate is not valid: {error.reason.verify_message}") from error
        raise OSError(str(error.reason)) from error
    except HTTPException as error:
        raise OSError(f"no HTTP: {type(error).__name__}") from error


def _read(status: int, headers: Message, body: bytes) -> AdapterAnswer:
    if len(body) > _LARGEST_ANSWER:
        raise Misconfigured(f"the service's answer is longer than {_LARGEST_ANSWER:,} bytes")
    wait = (headers.get("Retry-After") or "").strip()
    return AdapterAnswer(status, float(wait) if wait.isdecimal() else None, body)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """`value` with what `told` says in place of {names}, in texts only and once: what was put in is not looked at."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: values[match.group(1)], value)
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    return [_filled(inner, values) for inner in value] if isinstance(value, list) else value


def _multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[str, bytes]:
    boundary = secrets.token_hex(24)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'.encode()
        + text.encode()
        + b"\r\n"
        for name, text in fields.items()
    ]
    for name, image in files.items():
        kind, ending = _kind(image)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"; filename="image.{ending}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        parts.append(head.encode() + image + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _kind(image: bytes) -> tuple[str, str]:
    if image.startswith(b"\x89PNG"):
        return "image/png", "png"
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp", "webp"
    return "image/jpeg", "jpg"
