"""Enrol a folder of people and search for everybody in a picture: over HTTP, then in process on the data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import countenance
from countenance.client import PictureToEnrol, SearchShown
from countenance.errors import AlreadyExists, CountenanceError

GALLERY = "club-people"


def told(found: SearchShown) -> None:
    """Leads, each with how often such a lead is wrong."""
    for place, face in enumerate(found.results):
        for lead in face.leads:
            wrong = f"{lead.expected_innocent:.2g} others expected at {lead.similarity:.1f} by chance"
            print(f"face {place}: perhaps {lead.face.external_id} ({wrong})")
        if not face.leads:
            print(f"face {place}: {face.outcome} {', '.join(face.unfit)}")
    print(f"receipt: {found.receipt}")


def main(people: Path, probe: Path) -> None:
    """people: one picture of each. probe: the picture to search for."""
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    pictures = [PictureToEnrol(path, path.stem) for path in sorted(people.iterdir())]
    with countenance.Client(os.environ["AWS_ENDPOINT_URL_REKOGNITION"], key=key, secret=secret) as client:
        try:
            client.create_gallery(GALLERY)
        except AlreadyExists:
            print(f"{GALLERY} is there already")
        for done in client.enrol_many(GALLERY, pictures, journal=Path("enrolled.journal")):
            if done.error is not None:
                print(f"{done.picture.external_id}: {done.error}")
        told(client.search_all(GALLERY, probe))
    with countenance.open(key=key) as here:
        print(f"in process: {here.gallery(GALLERY).faces} faces in {GALLERY}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except (CountenanceError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
