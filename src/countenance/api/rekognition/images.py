"""Where an Image comes from: the request itself, or a bucket's folder."""

from __future__ import annotations

from functools import partial

from countenance.api.rekognition.buckets import Buckets
from countenance.api.rekognition.errors import INVALID_PARAMETER, INVALID_S3_OBJECT, Refused
from countenance.api.rekognition.shapes import Params
from countenance.operations import Image, StoredImage


def image_of(image: Params, buckets: Buckets) -> Image:
    """The `Bytes` of an Image member, or what its `S3Object` names, which is not opened here.

    The guard opens it once the rules permit the operation, so that nobody without a mandate learns what a bucket holds.

    Raises:
        Refused: InvalidParameterException unless exactly one of the two is given, InvalidS3ObjectException for an
            object without a name.
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
    bucket, name = place["Bucket"], place["Name"]
    return StoredImage(bucket, name, partial(buckets.read, bucket, name))
