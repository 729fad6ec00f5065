"""Errors in Rekognition's terms: one table from the error tree to type and status.

Programs can catch a type in botocore's service model as `client.exceptions.<type>`; the others (signature,
serialisation, unknown operation) are common to all AWS JSON services and raise `ClientError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from countenance import errors
from countenance.api.admission import BodyTooLarge, BodyTooSlow


@dataclass(frozen=True, slots=True)
class AwsError:
    """An AWS error type and the HTTP status that goes with it."""

    type: str
    status: int = 400


class Refused(Exception):
    """A request that this dialect itself refuses, before any operation; `fault` is the AWS error."""

    def __init__(self, fault: AwsError, message: str) -> None:
        super().__init__(message)
        self.fault = fault


ACCESS_DENIED = AwsError("AccessDeniedException")
IMAGE_TOO_LARGE = AwsError("ImageTooLargeException")
INTERNAL = AwsError("InternalServerError", 500)
INVALID_FORMAT = AwsError("InvalidImageFormatException")
INVALID_PARAMETER = AwsError("InvalidParameterException")
INVALID_S3_OBJECT = AwsError("InvalidS3ObjectException")
NOT_FOUND = AwsError("ResourceNotFoundException")
UNAVAILABLE = AwsError("ServiceUnavailable", 503)
THROTTLED = AwsError("ThrottlingException", 503)
BUDGET_SPENT = AwsError("ThrottlingException", 429)

BODY_TOO_LARGE = AwsError("RequestEntityTooLargeException", 413)
BODY_TOO_SLOW = AwsError("RequestTimeoutException", 408)
INCOMPLETE_SIGNATURE = AwsError("IncompleteSignatureException")
INVALID_SIGNATURE = AwsError("InvalidSignatureException")
MISSING_AUTHENTICATION = AwsError("MissingAuthenticationTokenException")
SERIALIZATION = AwsError("SerializationException")
UNKNOWN_OPERATION = AwsError("UnknownOperationException")
UNKNOWN_PATH = AwsError("UnknownOperationException", 404)
UNRECOGNIZED_CLIENT = AwsError("UnrecognizedClientException")

FAULTS: Mapping[type[errors.CountenanceError], AwsError] = MappingProxyType(
    {
        errors.CountenanceError: INTERNAL,
        errors.BadRequest: INVALID_PARAMETER,
        errors.ImageError: INVALID_FORMAT,
        errors.ImageTooLarge: IMAGE_TOO_LARGE,
        errors.ImageTooSmall: INVALID_PARAMETER,
        errors.UnsupportedImage: INVALID_FORMAT,
        errors.DamagedImage: INVALID_FORMAT,
        errors.VideoError: INVALID_PARAMETER,
        errors.VideoTooLarge: AwsError("VideoTooLargeException"),
        errors.UnsupportedVideo: INVALID_PARAMETER,
        errors.DamagedVideo: INVALID_PARAMETER,
        errors.NoFace: INVALID_PARAMETER,
        errors.BadPageToken: AwsError("InvalidPaginationTokenException"),
        errors.NotFound: NOT_FOUND,
        errors.NoSuchFace: INVALID_PARAMETER,
        errors.NoSuchDetectedFace: INVALID_PARAMETER,
        errors.NoSuchUser: NOT_FOUND,
        errors.NoSuchObject: INVALID_S3_OBJECT,
        errors.NoSuchSession: AwsError("SessionNotFoundException"),
        errors.AlreadyExists: AwsError("ResourceAlreadyExistsException"),
        errors.Conflict: AwsError("ConflictException"),
        errors.TokenReused: AwsError("IdempotentParameterMismatchException"),
        errors.InUse: AwsError("ResourceInUseException"),
        errors.LimitExceeded: AwsError("ServiceQuotaExceededException"),
        errors.BudgetSpent: BUDGET_SPENT,
        errors.TooManyJobs: AwsError("LimitExceededException"),
        errors.NotOffered: ACCESS_DENIED,
        errors.Denied: ACCESS_DENIED,
        errors.NotAsRecorded: ACCESS_DENIED,
        errors.Held: ACCESS_DENIED,
        errors.Unauthenticated: UNRECOGNIZED_CLIENT,
        errors.Overloaded: THROTTLED,
        errors.NotSearched: UNAVAILABLE,
        errors.NotRecorded: INTERNAL,
        errors.ClockBack: ACCESS_DENIED,
        errors.Misconfigured: INTERNAL,
        errors.ModelError: INTERNAL,
        errors.PolicyError: INTERNAL,
        errors.StoreError: INTERNAL,
    }
)
"""Every class of the error tree has a line of its own; a test fails if one is missing."""

INTERNAL_MESSAGE = "The request could not be carried out. Nothing more is said here; the operator's log has its id."


def fault_of(error: BaseException) -> tuple[AwsError, str]:
    """Type, status and message for `error`. An unexpected error, and every 500, gives no detail."""
    if isinstance(error, Refused):
        return error.fault, str(error)
    if isinstance(error, BodyTooLarge):
        return BODY_TOO_LARGE, str(error)
    if isinstance(error, BodyTooSlow):
        return BODY_TOO_SLOW, str(error)
    for kind in type(error).__mro__:
        if (fault := FAULTS.get(kind)) is not None:
            return fault, INTERNAL_MESSAGE if fault.status == 500 else str(error)
    return INTERNAL, INTERNAL_MESSAGE
