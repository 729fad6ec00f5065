"""Where an Image comes from: the request itself, or a bucket."""

from __future__ import annotations

from countenance.api.rekognition.errors import INVALID_PARAMETER, INVALID_S3_OBJECT, Refused
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.shapes import Params
from countenance.errors import UnsupportedImage
from countenance.operations import KINDS, Image, StoredImage, kind_of


def image_of(image: Params, objects: Objects) -> Image:
    """The `Bytes` of an Image member, or what its `S3Object` names, which is not opened here.

    It is opened once the rules permit the operation, so that nobody without a mandate learns what a bucket holds.

    Raises:
        Refused: InvalidParameterException unless exactly one of the two is given, InvalidS3ObjectException for an
            object without a name.
        UnsupportedImage: a kind of file that this dialect does not take; of an object, when it is opened.
    """
    if ("Bytes" in image) == ("S3Object" in image):
        raise Refused(INVALID_PARAMETER, "an Image holds either Bytes or S3Object")
    return _taken(image["Bytes"]) if "Bytes" in image else _stored(image["S3Object"], objects)


def _taken(content: bytes) -> bytes:
    """`content`, unless it is a picture that the engine reads and Amazon Rekognition does not."""
    kind = kind_of(content)
    if kind in KINDS and kind not in ("JPEG", "PNG"):
        raise UnsupportedImage(f"{kind} images are not read here; send a JPEG or PNG")
    return content


def _stored(place: Params, objects: Objects) -> StoredImage:
    bucket, name, version = place_of(place)
    return StoredImage(bucket, name, lambda: _taken(objects.read(bucket, name, version)))


def place_of(place: Params) -> tuple[str, str, str | None]:
    """Bucket, name and version of an S3Object; `Refused` without the first two."""
    if "Bucket" not in place or "Name" not in place:
        raise Refused(INVALID_S3_OBJECT, "an S3Object needs a Bucket and a Name")
    return place["Bucket"], place["Name"], place.get("Version")
