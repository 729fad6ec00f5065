"""What both services are asked: pairs of pictures and searches, from a file, or drawn from the pictures that moved."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from countenance.cli.migrate.matching import Item, csv_rows
from countenance.cli.migrate.pictures import Pictures, StoredPicture
from countenance.errors import BadRequest

_KNOWN = {"first", "second", "collection", "person", "second_person"}
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in a question. person: who is in it, where that is known."""

    picture: StoredPicture
    sha256: str
    person: str

    @property
    def cluster(self) -> str:
        """Questions of one cluster share what they err about: the person, or else the picture."""
        return f"person {self.person}" if self.person else f"picture {self.picture.name}"


@dataclass(frozen=True, slots=True)
class SharedQuestion:
    """A comparison of two pictures, or a search of `gallery` for the first."""

    first: Shown
    second: Shown | None
    gallery: str

    @property
    def same(self) -> bool | None:
        """Whether both pictures are of one person; None where that is not known."""
        if self.second is None or not (self.first.person and self.second.person):
            return None
        return self.first.person == self.second.person


class Album:
    """Pictures by name, each read once for its hash."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._known: dict[str, tuple[StoredPicture, str]] = {}

    def shown(self, name: str, person: str, where: str) -> Shown:
        """A picture; `BadRequest` where there is none of that name."""
        if name not in self._known:
            picture = self._pictures.find(name)
            if picture is None:
                raise BadRequest(f"{where}: there is no picture {name}")
            self._known[name] = picture, hashlib.sha256(picture.read()).hexdigest()
        picture, sha256 = self._known[name]
        return Shown(picture, sha256, person)


def from_file(file: Path, album: Album) -> tuple[SharedQuestion, ...]:
    """The rows of a CSV file: first and second for a comparison, first and collection for a search.

    person, second_person: who is in the first and second picture. `BadRequest` names the row that is wrong.
    """
    asked = []
    for number, row in csv_rows(file, {"first"}, _KNOWN):
        where = f"{file.name}, row {number}"
        second, gallery = row.get("second", ""), row.get("collection", "")
        if bool(second) == bool(gallery):
            raise BadRequest(f"{where}: a row has either second (a comparison) or collection (a search)")
        other = album.shown(second, row.get("second_person", ""), where) if second else None
        asked.append(SharedQuestion(album.shown(row["first"], row.get("person", ""), where), other, gallery))
    return tuple(dict.fromkeys(asked))


def sampled(
    items: Mapping[str, Sequence[Item]], album: Album, pairs: int, searches: int, seed: int
) -> tuple[SharedQuestion, ...]:
    """At most so many different questions about the pictures that moved, the same ones for the same seed.

    Half of the pairs are of one person, as far as people have two pictures. items: by gallery.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample that can be drawn again
    of_person: dict[str, list[str]] = defaultdict(list)
    probes = sorted(
        {(item.picture.name, _person(gallery, item), gallery) for gallery in items for item in items[gallery]}
    )
    alone = _alone(probes)
    for name, person, _ in probes:
        if name in alone:
            of_person[person].append(name)
    several = [person for person in of_person if len(of_person[person]) > 1]
    chosen: dict[tuple[str, str], tuple[str, str]] = {}
    for wanted, same in ((pairs // 2, True), (pairs, False)):
        for _ in range(_TRIES * pairs):
            if len(chosen) >= wanted or not (several if same else len(of_person) > 1):
                break
            a, b = (draw.choice(several),) * 2 if same else draw.sample(sorted(of_person), 2)
            x, y = draw.sample(of_person[a], 2) if same else (draw.choice(of_person[a]), draw.choice(of_person[b]))
            if (y, x) not in chosen:
                chosen.setdefault((x, y), (a, b))
    where = "the pictures that moved"
    asked = [
        SharedQuestion(album.shown(x, a, where), album.shown(y, b, where), "") for (x, y), (a, b) in chosen.items()
    ]
    lone = [probe for probe in probes if probe[0] in alone]
    for name, person, gallery in draw.sample(lone, min(searches, len(lone))):
        asked.append(SharedQuestion(album.shown(name, person, where), None, gallery))
    return tuple(asked)


def _alone(probes: Sequence[tuple[str, str, str]]) -> set[str]:
    """Pictures that are of one person."""
    people: dict[str, set[str]] = defaultdict(set)
    for name, person, _ in probes:
        people[name].add(person)
    return {name for name, those in people.items() if len(those) == 1}


def _person(gallery: str, item: Item) -> str:
    return f"{gallery}/{item.user or item.external_id or item.picture.name}"
