"""Errors in Azure Face's terms: one table from the error tree to code and status.

Microsoft's clients raise `HttpResponseError` (401: `ClientAuthenticationError`, 404: `ResourceNotFoundError`, 409:
`ResourceExistsError`) or `APIErrorException`, with the code in `error.code`. In a code that contains a kind of thing,
`{Group}` stands for the kind that the path names: PersonGroup, LargePersonGroup, FaceList or LargeFaceList.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from countenance import errors
from countenance.api.admission import BodyTooLarge, BodyTooSlow


@dataclass(frozen=True, slots=True)
class AzureError:
    """An error code of Azure Face and the HTTP status that goes with it."""

    code: str
    status: int = 400


class AzureRefused(Exception):
    """A request that this dialect itself refuses, or an error of the tree in this dialect's words. inner: the code of
    the inner error, if any. receipt: the ledger's, if the request got that far.
    """

    def __init__(self, fault: AzureError, message: str, inner: str | None = None, receipt: str | None = None) -> None:
        super().__init__(message)
        self.fault = fault
        self.inner = inner
        self.receipt = receipt


ACCESS_DENIED = AzureError("AccessDenied", 403)
BAD_ARGUMENT = AzureError("BadArgument")
CONFLICT = AzureError("ConcurrentOperationConflict", 409)
INTERNAL = AzureError("InternalServerError", 500)
INVALID_IMAGE = AzureError("InvalidImage")
INVALID_IMAGE_SIZE = AzureError("InvalidImageSize")
RATE_LIMIT = AzureError("RateLimitExceeded", 429)
UNAUTHENTICATED = AzureError("401", 401)
UNAVAILABLE = AzureError("ServiceUnavailable", 503)

BODY_TOO_LARGE = AzureError("RequestBodyTooLarge", 413)
BODY_TOO_SLOW = AzureError("OperationTimeOut", 408)
INVALID_REQUEST = AzureError("InvalidRequest", 403)
INVALID_URL = AzureError("InvalidURL")
METHOD_NOT_ALLOWED = AzureError("MethodNotAllowed", 405)
NOT_TRAINED = AzureError("{Group}NotTrained", 404)
UNKNOWN_PATH = AzureError("404", 404)
UNSUPPORTED_MEDIA = AzureError("UnsupportedMediaType", 415)

UNSUPPORTED_FEATURE = "UnsupportedFeature"
"""The inner code of an `InvalidRequest` for something that is not offered."""

FAULTS: Mapping[type[errors.CountenanceError], AzureError] = MappingProxyType(
    {
        errors.CountenanceError: INTERNAL,
        errors.BadRequest: BAD_ARGUMENT,
        errors.ImageError: INVALID_IMAGE,
        errors.ImageTooLarge: INVALID_IMAGE_SIZE,
        errors.ImageTooSmall: INVALID_IMAGE_SIZE,
        errors.UnsupportedImage: INVALID_IMAGE,
        errors.DamagedImage: INVALID_IMAGE,
        errors.VideoError: BAD_ARGUMENT,
        errors.VideoTooLarge: BAD_ARGUMENT,
        errors.UnsupportedVideo: BAD_ARGUMENT,
        errors.DamagedVideo: BAD_ARGUMENT,
        errors.NoFace: INVALID_IMAGE,
        errors.BadPageToken: BAD_ARGUMENT,
        errors.NotFound: AzureError("{Group}NotFound", 404),
        errors.NoSuchDetectedFace: AzureError("FaceNotFound", 404),
        errors.NoSuchUser: AzureError("PersonNotFound", 404),
        errors.NoSuchFace: AzureError("PersistedFaceNotFound", 404),
        errors.NoSuchObject: BAD_ARGUMENT,
        errors.AlreadyExists: AzureError("{Group}Exists", 409),
        errors.Conflict: CONFLICT,
        errors.TokenReused: CONFLICT,
        errors.InUse: CONFLICT,
        errors.NoSuchSession: BAD_ARGUMENT,
        errors.LimitExceeded: AzureError("QuotaExceeded", 403),
        errors.BudgetSpent: AzureError("QuotaExceeded", 403),
        errors.TooManyJobs: AzureError("QuotaExceeded", 403),
        errors.NotOffered: AzureError("InvalidRequest", 403),
        errors.Denied: ACCESS_DENIED,
        errors.Held: ACCESS_DENIED,
        errors.Unauthenticated: UNAUTHENTICATED,
        errors.Overloaded: RATE_LIMIT,
        errors.NotSearched: UNAVAILABLE,
        errors.NotRecorded: INTERNAL,
        errors.ClockBack: ACCESS_DENIED,
        errors.NotAsRecorded: ACCESS_DENIED,
        errors.Misconfigured: INTERNAL,
        errors.ModelError: INTERNAL,
        errors.PolicyError: INTERNAL,
        errors.StoreError: INTERNAL,
    }
)
"""Every class of the error tree has a line of its own; a test fails if one is missing."""

INTERNAL_MESSAGE = "The request could not be carried out. Nothing more is said here; the operator's log has its id."


def fault_of(error: BaseException, group: str) -> tuple[AzureError, str]:
    """Code, status and message for `error`. An unexpected error, and every 500, gives no detail.

    group: the kind in the path, such as "LargePersonGroup", for codes that contain it.
    """
    fault, message = INTERNAL, INTERNAL_MESSAGE
    if isinstance(error, AzureRefused):
        fault, message = error.fault, str(error)
    elif isinstance(error, BodyTooLarge | BodyTooSlow):
        fault, message = BODY_TOO_LARGE if isinstance(error, BodyTooLarge) else BODY_TOO_SLOW, str(error)
    else:
        for kind in type(error).__mro__:
            if (known := FAULTS.get(kind)) is not None:
                fault, message = known, INTERNAL_MESSAGE if known.status == 500 else str(error)
                break
    return AzureError(fault.code.replace("{Group}", group), fault.status), message
