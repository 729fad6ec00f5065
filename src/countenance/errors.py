"""Every error that Countenance raises on purpose, in one tree. HTTP is not mentioned here.

    CountenanceError
    ├── BadRequest                the request is malformed
    │   ├── ImageError            the image bytes cannot be used
    │   │   ├── ImageTooLarge         too many bytes, pixels, or too long a side
    │   │   ├── ImageTooSmall         shorter than 80 pixels on a side
    │   │   ├── UnsupportedImage      not an image format that this server reads
    │   │   └── DamagedImage          starts like a JPEG or PNG, but cannot be decoded
    │   ├── VideoError            the video cannot be used
    │   │   ├── VideoTooLarge         too many bytes or frames, too long, or frames too large
    │   │   ├── UnsupportedVideo      not a video format that this server reads
    │   │   └── DamagedVideo          the decoder fails, or stops answering and is killed
    │   ├── NoFace                no face in a picture that needs one
    │   └── BadPageToken          a page token that this server did not make
    ├── NotFound                  no such gallery, face, mandate, …
    │   ├── NoSuchDetectedFace    no detected face with that id is kept for the caller (any more)
    │   ├── NoSuchUser            the gallery exists, but has no user with that id
    │   ├── NoSuchFace            the gallery exists, but has no face with that id
    │   ├── NoSuchObject          a bucket has no such object, or there is no such bucket
    │   └── NoSuchSession         there is no such liveness session, or no check that makes any
    ├── AlreadyExists             the id is taken
    ├── Conflict                  the present state does not allow this
    ├── LimitExceeded             a quota of this server or of the mandate is used up
    │   ├── BudgetSpent           the mandate has no comparisons of faces left for now
    │   └── TooManyJobs               as many video jobs of the mandate wait or run as may
    ├── NotOffered                this server does not do that, and the message says why
    ├── Denied                    the rules forbid it, or could not permit it
    │   ├── NotAsRecorded         the database was changed behind the ledger's back
    │   └── Held                  permitted, but withheld until people have reviewed or authorised it
    ├── Unauthenticated           the caller did not prove who it is
    ├── Overloaded                the queue is full; try again later
    ├── NotSearched               a part of the gallery cannot be searched now, so nothing is answered
    ├── NotRecorded               the ledger or the database could not be written, so nothing is answered
    │   └── ClockBack                 the clock reads earlier than the last entry of the ledger
    └── Misconfigured             this installation must not start or go on
        ├── ModelError            a model file is missing, altered, or differs from its manifest
        ├── PolicyError           the rules cannot be read, validated or trusted
        └── StoreError            the database cannot be opened or has another version

Messages state the value received and the value expected. They never contain an image, a template or a person's name.
Each API has one table from these classes to its own statuses.
"""

from __future__ import annotations


class CountenanceError(Exception):
    """The root of the tree.

    receipt: the ledger's receipt for the refusal or failure, if one was recorded.
    """

    receipt: str | None = None


class BadRequest(CountenanceError):
    """The request is malformed."""


class ImageError(BadRequest):
    """The image bytes cannot be used."""


class ImageTooLarge(ImageError):
    """Too many bytes, too many pixels, or a side that is too long."""


class ImageTooSmall(ImageError):
    """A side is shorter than 80 pixels."""


class UnsupportedImage(ImageError):
    """Not an image format that this server reads."""


class DamagedImage(ImageError):
    """The bytes start like an image, but cannot be decoded."""


class VideoError(BadRequest):
    """The video cannot be used."""


class VideoTooLarge(VideoError):
    """Too many bytes or frames, too long, or frames that are too large."""


class UnsupportedVideo(VideoError):
    """Not a video format that this server reads."""


class DamagedVideo(VideoError):
    """The decoder fails, or stops answering and is killed."""


class NoFace(BadRequest):
    """No face in a picture that needs one.

    why: "no face", "several faces" of which none is named, or "low quality".
    """

    def __init__(self, message: str, why: str = "no face") -> None:
        super().__init__(message)
        self.why = why


class BadPageToken(BadRequest):
    """A page token that this server did not make."""


class NotFound(CountenanceError):
    """There is no such gallery, face, mandate or other thing."""


class NoSuchFace(NotFound):
    """The gallery exists, but has no face with that id."""


class NoSuchDetectedFace(NotFound):
    """No detected face with that id is kept for the caller; its time may be over."""


class NoSuchUser(NotFound):
    """The gallery exists, but has no user with that id."""


class NoSuchObject(NotFound):
    """A bucket holds no such object, or there is no such bucket."""


class NoSuchSession(NotFound):
    """There is no such liveness session; without an outside check there is none at all."""


class AlreadyExists(CountenanceError):
    """The id is taken."""


class Conflict(CountenanceError):
    """The present state does not allow this."""


class TokenReused(Conflict):
    """The idempotency token was already used for another request."""


class InUse(Conflict):
    """The name is taken, or the thing is in a state that does not allow this."""


class LimitExceeded(CountenanceError):
    """A quota of this server or of the mandate is used up."""


class BudgetSpent(LimitExceeded):
    """The mandate has no comparisons of faces left for now.

    which: the part of the budget that is spent, such as "subject". retry_after: seconds until some may be left again;
    None where the call alone is more than the whole part, so that no wait helps.
    """

    def __init__(self, message: str, which: str = "", retry_after: int | None = 60) -> None:
        super().__init__(message)
        self.which = which
        self.retry_after = retry_after


class TooManyJobs(LimitExceeded):
    """As many video jobs of the mandate wait or run as may."""


class NotOffered(CountenanceError):
    """This server does not do that; the message says why."""


class Denied(CountenanceError):
    """The rules forbid it, or could not permit it. decision: the `policy.Decision` with the reasons."""

    def __init__(self, message: str, decision: object = None) -> None:
        super().__init__(message)
        self.decision = decision


class NotAsRecorded(Denied):
    """The database holds this otherwise than the ledger recorded it, so it grants nothing."""


class Held(Denied):
    """Permitted, but withheld until people have verified the result or requested authorisation.

    hold_id: the hold that a result was taken into; empty where nothing was done.
    """

    hold_id: str = ""


class Unauthenticated(CountenanceError):
    """The caller did not prove who it is."""


class Overloaded(CountenanceError):
    """The queue is full; try again later."""


class NotSearched(CountenanceError):
    """A part of the gallery cannot be searched now, so nothing is answered: a shorter list would be a wrong answer."""


class NotRecorded(CountenanceError):
    """The ledger or the database could not be written, so nothing is answered."""


class ClockBack(NotRecorded):
    """The clock reads earlier than the last entry of the ledger, so nothing is decided or recorded."""


class Misconfigured(CountenanceError):
    """This installation must not start or go on."""


class ModelError(Misconfigured):
    """A model file is missing, altered, or differs from its manifest."""


class PolicyError(Misconfigured):
    """The rules cannot be read, validated or trusted."""


class StoreError(Misconfigured):
    """The database cannot be opened or has another version."""
