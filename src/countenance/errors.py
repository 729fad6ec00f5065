"""Every error that Countenance raises on purpose, in one tree that knows no HTTP.

    CountenanceError
    ├── BadRequest                what was asked is malformed
    │   ├── ImageError            the image bytes cannot be used
    │   │   ├── ImageTooLarge         too many bytes, pixels, or too long a side
    │   │   ├── ImageTooSmall         shorter than 80 pixels on a side
    │   │   ├── UnsupportedImage      not a kind of image that is read here
    │   │   └── DamagedImage          says that it is a JPEG or PNG, and cannot be decoded
    │   ├── VideoError            the video cannot be used
    │   │   ├── VideoTooLarge         too many bytes or frames, too long, or frames too large
    │   │   ├── UnsupportedVideo      not a kind of video that is read here
    │   │   └── DamagedVideo          its decoder fails, or falls silent and is ended
    │   ├── NoFace                no face where one is needed
    │   └── BadPageToken          a page token that this server did not make
    ├── NotFound                  a gallery, face, mandate, … that is not there
    │   └── NoSuchFace            the gallery is there, and holds no face of that id
    ├── AlreadyExists             an id that is taken
    ├── Conflict                  the thing is there, and is in a state that forbids this
    ├── LimitExceeded             a quota of this server or of the mandate is used up
    ├── Denied                    policy said no, or could not say yes
    │   └── Held                  permitted, and kept until people have done their part
    ├── Unauthenticated           the caller did not prove who it is
    ├── Overloaded                the queue is full; ask again later
    ├── NotRecorded               the ledger could not be written, so nothing is answered
    └── Misconfigured             this installation must not start or go on
        ├── ModelError            a model file is missing, altered or not as its manifest says
        ├── PolicyError           the rules cannot be read, validated or trusted
        └── StoreError            the database cannot be opened or is of another version

Messages say what was got and what was expected. They never hold an image, a template or a person's name.
Each front door has one table from these classes to its own statuses.
"""

from __future__ import annotations


class CountenanceError(Exception):
    """The root: whatever goes wrong here on purpose is one of these.

    receipt: the ledger's receipt for the refusal or failure, where one was recorded.
    """

    receipt: str | None = None


class BadRequest(CountenanceError):
    """What was asked is malformed."""


class ImageError(BadRequest):
    """The image bytes cannot be used."""


class ImageTooLarge(ImageError):
    """Too many bytes, too many pixels, or a side that is too long."""


class ImageTooSmall(ImageError):
    """A side is shorter than 80 pixels."""


class UnsupportedImage(ImageError):
    """Not a kind of image that is read here."""


class DamagedImage(ImageError):
    """The bytes start like an image and cannot be decoded."""


class VideoError(BadRequest):
    """The video cannot be used."""


class VideoTooLarge(VideoError):
    """Too many bytes or frames, too long, or frames that are too large."""


class UnsupportedVideo(VideoError):
    """Not a kind of video that is read here."""


class DamagedVideo(VideoError):
    """The video's decoder fails, or falls silent and is ended."""


class NoFace(BadRequest):
    """No face where one is needed."""


class BadPageToken(BadRequest):
    """A page token that this server did not make."""


class NotFound(CountenanceError):
    """What was named is not there."""


class NoSuchFace(NotFound):
    """The gallery is there, and holds no face of that id."""


class AlreadyExists(CountenanceError):
    """The id is taken."""


class Conflict(CountenanceError):
    """The thing is there, and is in a state that forbids this."""


class TokenReused(Conflict):
    """A request carries the token of another request."""


class LimitExceeded(CountenanceError):
    """A quota is used up."""


class Denied(CountenanceError):
    """Policy said no, or could not say yes. `decision` is the `policy.Decision` that says why."""

    def __init__(self, message: str, decision: object = None) -> None:
        super().__init__(message)
        self.decision = decision


class Held(Denied):
    """Permitted, and kept until people have done their part: verified it, or asked for authorisation."""


class Unauthenticated(CountenanceError):
    """The caller did not prove who it is."""


class Overloaded(CountenanceError):
    """The queue is full; ask again later."""


class NotRecorded(CountenanceError):
    """The ledger could not be written, so nothing is answered."""


class Misconfigured(CountenanceError):
    """This installation must not start or go on."""


class ModelError(Misconfigured):
    """A model file is missing, altered or not as its manifest says."""


class PolicyError(Misconfigured):
    """The rules cannot be read, validated or trusted."""


class StoreError(Misconfigured):
    """The database cannot be opened or is of another version."""
