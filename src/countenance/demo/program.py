"""A plain boto3 program. Nothing in it depends on the endpoint not being Amazon's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3

from countenance.demo.faces import Photo

COLLECTION = "demo-orl"


@dataclass(frozen=True, slots=True)
class Searched:
    """One search: the probe, and the candidates as (person, number of the picture, similarity), most similar first.

    expected_false_matches: how many other people such a search names by chance.
    """

    probe: Photo
    candidates: tuple[tuple[int, int, float], ...]
    expected_false_matches: float


class Program:
    """Enrols and searches through `boto3.client("rekognition")`."""

    def __init__(self, endpoint: str, region: str, access_key: str, secret: str) -> None:
        self.client: Any = boto3.client(
            "rekognition",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
        )

    def enrol(self, photos: Iterable[Photo]) -> Iterator[bool]:
        """Index one face of each picture under the person's number; yields whether a face was found."""
        self.client.create_collection(CollectionId=COLLECTION)
        for photo in photos:
            answer = self.client.index_faces(
                CollectionId=COLLECTION,
                Image={"Bytes": photo.png},
                ExternalImageId=f"person-{photo.person}-{photo.number}",
                MaxFaces=1,
                QualityFilter="NONE",
            )
            yield bool(answer["FaceRecords"])

    def search(self, photos: Iterable[Photo]) -> Iterator[Searched]:
        """Search for each picture's face at the default threshold (80)."""
        for photo in photos:
            try:
                answer = self.client.search_faces_by_image(CollectionId=COLLECTION, Image={"Bytes": photo.png})
            except self.client.exceptions.InvalidParameterException:  # no face found
                yield Searched(photo, (), 0.0)
                continue
            candidates = []
            for match in answer["FaceMatches"]:
                _, person, number = match["Face"]["ExternalImageId"].split("-")
                candidates.append((int(person), int(number), match["Similarity"]))
            expected = answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-expected-false-matches"]
            yield Searched(photo, tuple(candidates), float(expected))
