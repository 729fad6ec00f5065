"""Who signed this request: AWS Signature Version 4, recomputed with botocore's own signer.

There are two steps, so that nobody without a key makes the server hold a body: `claim` reads only the headers,
`Claim.proved` also the body. A signed request stays valid for `SKEW` around its date, as at AWS: SigV4 has no nonce.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from countenance.api.rekognition.errors import (
    INCOMPLETE_SIGNATURE,
    INVALID_SIGNATURE,
    MISSING_AUTHENTICATION,
    UNRECOGNIZED_CLIENT,
    AwsError,
    Refused,
)

SERVICE = "rekognition"
ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=5)

WRONG_KEY = "The security token included in the request is invalid."
WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

Headers = Sequence[tuple[bytes, bytes]]
"""Header names and values as ASGI gives them, names in lower case."""

_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^\s,]+)")
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_ONCE = frozenset(
    {
        "authorization",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-target",
    }
)
_MUST_SIGN = ("host", "x-amz-date", "x-amz-target", "x-amz-content-sha256")


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers claim: which key signed what, for which service, and when. Not trusted until `proved`."""

    access_key: str
    timestamp: str
    region: str
    service: str
    signed: tuple[tuple[str, str], ...]
    signature: str
    body_sha256: str | None

    def proved(self, body: bytes, secret: str) -> bool:
        """Whether the holder of `secret` signed these headers and this body; compared in constant time."""
        if self.body_sha256 is not None and self.body_sha256 != hashlib.sha256(body).hexdigest():
            return False
        request = AWSRequest(method="POST", url="http://server/", data=body)  # http: the body is always part of it
        for name, value in self.signed:
            request.headers[name] = value
        request.context["timestamp"] = self.timestamp
        signer = _Received(Credentials(self.access_key, secret), self.service, self.region)
        string_to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        return hmac.compare_digest(signer.signature(string_to_sign, request), self.signature)


class _Received(SigV4Auth):
    """botocore's signer, restricted to the headers that the client says it signed."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        return request.headers


def claim(headers: Headers, query: bytes, *, regions: Collection[str], now: datetime, service: str = SERVICE) -> Claim:
    """Read the signature of a request that is addressed to `service`.

    Args:
        headers: as ASGI gives them.
        query: the raw query string; a presigned URL puts its signature there and is refused.
        regions: those that a request may be signed for; none named, any.
        now: aware, to the second.
        service: what it must be signed for.

    Raises:
        Refused: MissingAuthenticationToken, IncompleteSignature, InvalidSignature or UnrecognizedClient.
    """
    given = single(headers)
    if query:
        raise Refused(INVALID_SIGNATURE, "Signatures in the query string (presigned requests) are not accepted.")
    if "authorization" not in given:
        raise Refused(MISSING_AUTHENTICATION, "Missing Authentication Token")
    if "x-amz-security-token" in given:
        raise Refused(UNRECOGNIZED_CLIENT, f"{WRONG_KEY} This server gives out no session tokens and takes none.")
    credential, names, signature = _authorization(given["authorization"])
    timestamp = given.get("x-amz-date", "")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Refused(INCOMPLETE_SIGNATURE, "Authorization requires a header 'X-Amz-Date' like 20300131T235959Z.")
    access_key, region = _scope(credential, timestamp[:8], regions, service)
    for name in _MUST_SIGN:
        if name in given and name not in names:
            raise Refused(INVALID_SIGNATURE, f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    if "host" not in names or any(name not in given for name in names):
        raise Refused(INVALID_SIGNATURE, "Every 'SignedHeader' must be in the request, 'host' among them.")
    _fresh(timestamp, now)
    signed = tuple((name, given[name]) for name in names)
    return Claim(access_key, timestamp, region, service, signed, signature, given.get("x-amz-content-sha256"))


def single(headers: Headers) -> Mapping[str, str]:
    """`headers` by name; one that has a meaning here and occurs twice is refused, others are joined by commas."""
    given: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in given and name in _ONCE:
            raise Refused(INVALID_SIGNATURE, f"The header '{name}' is in the request more than once.")
        given[name] = f"{given[name]},{value}" if name in given else value
    return given


def _authorization(text: str) -> tuple[str, tuple[str, ...], str]:
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"must start with '{ALGORITHM}'")
    fields: dict[str, str] = {}
    for part in rest.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None or match[1] in fields:
            raise _incomplete("must hold Credential, SignedHeaders and Signature, each once")
        fields[match[1]] = match[2]
    for name in ("Credential", "SignedHeaders", "Signature"):
        if name not in fields:
            raise _incomplete(f"requires '{name}' parameter")
    names = tuple(fields["SignedHeaders"].split(";"))
    if any(name != name.lower() for name in names) or list(names) != sorted(set(names)):
        raise _incomplete("must name each 'SignedHeader' once, in lower case, sorted")
    if not _SIGNATURE.fullmatch(fields["Signature"]):
        raise Refused(INVALID_SIGNATURE, WRONG_SIGNATURE)
    return fields["Credential"], names, fields["Signature"]


def _incomplete(why: str) -> Refused:
    return Refused(INCOMPLETE_SIGNATURE, f"Authorization header {why}.")


def _scope(credential: str, day: str, regions: Collection[str], service: str) -> tuple[str, str]:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not parts[0] or parts[4] != "aws4_request":
        raise _incomplete("requires a Credential of the form key/date/region/service/aws4_request")
    access_key, scope_day, scope_region, scope_service, _ = parts
    wrong: AwsError = INVALID_SIGNATURE
    if regions and scope_region not in regions:
        names = ", ".join(f"'{region}'" for region in sorted(regions))
        raise Refused(wrong, f"Credential should be scoped to a valid region, {names}.")
    if not _REGION.fullmatch(scope_region):
        raise Refused(wrong, "Credential should be scoped to a valid region, such as 'us-east-1'.")
    if scope_service != service:
        raise Refused(wrong, f"Credential should be scoped to correct service: '{service}'.")
    if scope_day != day:
        raise Refused(
            wrong, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        )
    return access_key, scope_region


def _fresh(timestamp: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(timestamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused(INCOMPLETE_SIGNATURE, "The header 'X-Amz-Date' is not a date.") from error
    our_time = now.astimezone(UTC).strftime(SIGV4_TIMESTAMP)
    if signed_at < now - SKEW:
        edge = (now - SKEW).astimezone(UTC).strftime(SIGV4_TIMESTAMP)
        raise Refused(
            INVALID_SIGNATURE, f"Signature expired: {timestamp} is now earlier than {edge} ({our_time} - 5 min.)"
        )
    if signed_at > now + SKEW:
        edge = (now + SKEW).astimezone(UTC).strftime(SIGV4_TIMESTAMP)
        raise Refused(
            INVALID_SIGNATURE,
            f"Signature not yet current: {timestamp} is still later than {edge} ({our_time} + 5 min.)",
        )
