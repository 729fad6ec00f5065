"""`sts:GetCallerIdentity`, which programs call when they start: whose key this is, and nothing about its rights.

AWS's query protocol: a form in, XML out. It uses no face and reads no mandate, so it goes past the guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from countenance.api.rekognition.errors import (
    INCOMPLETE_SIGNATURE,
    INVALID_SIGNATURE,
    MISSING_AUTHENTICATION,
    THROTTLED,
    UNRECOGNIZED_CLIENT,
    AwsError,
    Refused,
)

SERVICE = "sts"
FORM = "application/x-www-form-urlencoded"
XML = "text/xml"
VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
MAX_FORM_BYTES = 16_384
MAX_FIELDS = 16

INVALID_ACTION = AwsError("InvalidAction")

_QUERY_FAULTS: Mapping[AwsError, AwsError] = {
    INCOMPLETE_SIGNATURE: AwsError("IncompleteSignature"),
    INVALID_SIGNATURE: AwsError("SignatureDoesNotMatch", 403),
    MISSING_AUTHENTICATION: AwsError("MissingAuthenticationToken", 403),
    UNRECOGNIZED_CLIENT: AwsError("InvalidClientTokenId", 403),
    THROTTLED: AwsError("Throttling", 503),
}
"""STS's names for errors that other services call `…Exception`."""


def check_form(body: bytes) -> None:
    """`Refused` unless `body` is a form that requests GetCallerIdentity."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), max_num_fields=MAX_FIELDS, strict_parsing=True))
    except ValueError as error:
        raise Refused(INVALID_ACTION, f"the body is a form of at most {MAX_FIELDS} fields") from error
    if fields.get("Action") != "GetCallerIdentity" or fields.get("Version") != VERSION:
        raise Refused(INVALID_ACTION, f"Of STS, GetCallerIdentity of version {VERSION} is served, nothing else.")


def identity_body(access_key: str, account: str, request_id: str) -> bytes:
    """The answer: the key appears as a user of an account that does not exist."""
    return _document(
        "GetCallerIdentityResponse",
        f"<GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/{escape(access_key)}</Arn>"
        f"<UserId>{escape(access_key)}</UserId><Account>{account}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>",
    )


def query_fault(fault: AwsError) -> AwsError:
    """`fault` as STS names it."""
    return _QUERY_FAULTS.get(fault, fault)


def error_body(fault: AwsError, message: str, request_id: str) -> bytes:
    """An error of the query protocol."""
    side = "Receiver" if fault.status >= 500 else "Sender"
    return _document(
        "ErrorResponse",
        f"<Error><Type>{side}</Type><Code>{escape(fault.type)}</Code><Message>{escape(message)}</Message></Error>"
        f"<RequestId>{escape(request_id)}</RequestId>",
    )


def _document(name: str, inner: str) -> bytes:
    return f'<{name} xmlns="{NAMESPACE}">{inner}</{name}>'.encode()
