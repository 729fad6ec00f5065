"""Where an Image comes from: the request itself, or a bucket's folder."""

from __future__ import annotations

from countenance.api.rekognition.buckets import Buckets
from countenance.api.rekognition.errors import INVALID_PARAMETER, INVALID_S3_OBJECT, Refused
from countenance.api.rekognition.shapes import Params
from countenance.errors import NotFound


def image_bytes(image: Params, buckets: Buckets) -> bytes:
    """The bytes of an Image member: its `Bytes`, or what its `S3Object` names.

    Raises:
        Refused: InvalidParameterException unless exactly one of the two is given, InvalidS3ObjectException for an
            object that cannot be had.
        ImageTooLarge: an object above 15 MiB.
    """
    if ("Bytes" in image) == ("S3Object" in image):
        raise Refused(INVALID_PARAMETER, "an Image holds either Bytes or S3Object")
    if "Bytes" in image:
        content: bytes = image["Bytes"]
        return content
    place = image["S3Object"]
    if "Bucket" not in place or "Name" not in place:
        raise Refused(INVALID_S3_OBJECT, "an S3Object needs a Bucket and a Name")
    if "Version" in place:
        raise Refused(INVALID_S3_OBJECT, "buckets here are folders and keep no versions")
    try:
        return buckets.read(place["Bucket"], place["Name"])
    except NotFound as error:
        raise Refused(INVALID_S3_OBJECT, f"Unable to get object: {error}") from error
