"""Enrol every picture of a folder, then search for the face in another one. Plain boto3: the endpoint is elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import boto3

COLLECTION = "club-members"


def main(people: Path, probe: Path) -> None:
    """Enrol people/NAME.png as NAME, then print whom `probe` may show."""
    client = boto3.client("rekognition")
    if COLLECTION not in client.list_collections()["CollectionIds"]:
        client.create_collection(CollectionId=COLLECTION)

    for picture in sorted(people.iterdir()):
        answer = client.index_faces(
            CollectionId=COLLECTION,
            Image={"Bytes": picture.read_bytes()},
            ExternalImageId=picture.stem,
            MaxFaces=1,
            QualityFilter="NONE",
        )
        print(picture.stem, "enrolled" if answer["FaceRecords"] else "not enrolled: no face found")

    found = client.search_faces_by_image(CollectionId=COLLECTION, Image={"Bytes": probe.read_bytes()})
    for match in found["FaceMatches"]:
        print(f"lead: {match['Face']['ExternalImageId']}, similarity {match['Similarity']:.1f}")
    if not found["FaceMatches"]:
        print("no lead")
    headers = found["ResponseMetadata"]["HTTPHeaders"]
    print("expected false matches:", headers["x-countenance-expected-false-matches"])
    print("receipt:", headers["x-countenance-receipt"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
