"""Where an Image comes from: the request itself, or a bucket's folder."""

from __future__ import annotations

from countenance.api.buckets import Buckets
from countenance.api.rekognition.errors import INVALID_PARAMETER, INVALID_S3_OBJECT, Refused
from countenance.api.rekognition.shapes import Params
from countenance.errors import NotFound, UnsupportedImage
from countenance.operations import KINDS, kind_of


def image_bytes(image: Params, buckets: Buckets) -> bytes:
    """The bytes of an Image member: its `Bytes`, or what its `S3Object` names.

    Raises:
        Refused: InvalidParameterException unless exactly one of the two is given, InvalidS3ObjectException for an
            object that cannot be had.
        UnsupportedImage: a kind of file that this dialect does not take.
        ImageTooLarge: an object above 15 MiB.
    """
    if ("Bytes" in image) == ("S3Object" in image):
        raise Refused(INVALID_PARAMETER, "an Image holds either Bytes or S3Object")
    return _of_this_door(image["Bytes"] if "Bytes" in image else _stored(image, buckets))


def _of_this_door(content: bytes) -> bytes:
    """`content`, unless it is a picture that the engine reads and Amazon Rekognition does not."""
    kind = kind_of(content)
    if kind in KINDS and kind not in ("JPEG", "PNG"):
        raise UnsupportedImage(f"{kind} images are not read here; send a JPEG or PNG")
    return content


def _stored(image: Params, buckets: Buckets) -> bytes:
    place = image["S3Object"]
    if "Bucket" not in place or "Name" not in place:
        raise Refused(INVALID_S3_OBJECT, "an S3Object needs a Bucket and a Name")
    if "Version" in place:
        raise Refused(INVALID_S3_OBJECT, "buckets here are folders and keep no versions")
    try:
        return buckets.read(place["Bucket"], place["Name"])
    except NotFound as error:
        raise Refused(INVALID_S3_OBJECT, f"Unable to get object: {error}") from error
