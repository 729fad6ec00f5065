"""Collections of Amazon Rekognition, read through boto3."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from countenance.audit.formats.plan import LiveApi
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.audit.sources.live.rekognition import Rekognition
from countenance.cli.migrate.source import SourceFace, SourceGallery, SourceUser
from countenance.errors import Denied, Misconfigured

_PAGE = 500


def aws(service: str, region: str | None, profile: str | None, endpoint: str | None) -> Any:
    """A boto3 client of the account that galleries come from.

    Credentials come from boto3's own places. Addresses do not: where programs of this machine already speak to this
    server, the environment names it, and only `endpoint` is asked, or AWS itself.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise Misconfigured("boto3 is not installed; install countenance[clients]") from error
    options: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": 8},
        "connect_timeout": 10,
        "read_timeout": 60,
        "ignore_configured_endpoint_urls": True,
        "s3": {"addressing_style": "path"} if endpoint else None,
    }
    try:
        session: Any = boto3.session.Session(profile_name=profile, region_name=region)
        return session.client(service, endpoint_url=endpoint, config=Config(**options))
    except (BotoCoreError, ValueError) as error:
        raise Misconfigured(f"boto3 cannot be set up: {error}") from error


class Collections:
    """The collections of an account. client: boto3's for Rekognition."""

    word = "rekognition"
    detects_first = False

    def __init__(self, client: Any, threshold: float) -> None:
        self.calls = 0
        self._client = client
        self.address = str(client.meta.endpoint_url)
        region = str(client.meta.region_name)
        asked = LiveApi("rekognition", "", "", endpoint=self.address, region=region, threshold=threshold)
        self.asker = Rekognition(asked, client, time.time)

    def names(self) -> tuple[str, ...]:
        """Every collection of the account in the region."""
        return tuple(map(str, self._pages("list_collections", "CollectionIds")))

    def read(self, name: str) -> SourceGallery:
        """A collection."""
        users = self._pages("list_users", "Users", CollectionId=name)
        faces = self._pages("list_faces", "Faces", CollectionId=name)
        return SourceGallery(name, tuple(map(_face, faces)), tuple(SourceUser(str(user["UserId"])) for user in users))

    def search(self, gallery: SourceGallery, image: bytes, threshold: float) -> RecordedReply:
        """SearchFacesByImage for one face."""
        answer = self.asker.call(
            "search_faces_by_image",
            CollectionId=gallery.name,
            Image={"Bytes": image},
            FaceMatchThreshold=threshold,
            MaxFaces=1,
            QualityFilter="NONE",
        )
        if isinstance(answer, RecordedReply):
            return answer
        for match in answer.get("FaceMatches", ()):
            token = str(match["Face"]["FaceId"])
            return RecordedReply("answered", time.time(), score=float(match["Similarity"]), faces=1, token=token)
        return RecordedReply("answered", time.time(), faces=1)

    def calls_of(self, pairs: int, pictures: int, searches: int) -> int:
        """CompareFaces and SearchFacesByImage."""
        return pairs + searches

    def _pages(self, operation: str, member: str, **asked: object) -> Iterator[Any]:
        token: str | None = None
        while True:
            self.calls += 1
            more = {} if token is None else {"NextToken": token}
            answer = self.asker.call(operation, MaxResults=_PAGE, **asked, **more)
            if isinstance(answer, RecordedReply):
                raise Denied(f"Rekognition refuses {operation}: {answer.error}")
            yield from answer.get(member, ())
            token = answer.get("NextToken")
            if not token:
                return


def _face(face: Mapping[str, Any]) -> SourceFace:
    box = face.get("BoundingBox")
    return SourceFace(
        str(face["FaceId"]),
        face.get("ExternalImageId"),
        face.get("UserId"),
        face.get("ImageId"),
        None if box is None else tuple(float(box[side]) for side in ("Left", "Top", "Width", "Height")),  # type: ignore[arg-type]
    )
