"""Nobody learns whether something is there that they may not use: by no answer of any operation of any dialect."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.contract.native.native_world import ISSUER, World, now, world
from tests.contract.native.probing import PICTURE, Holder, Probe, Things, probes, send, shown
from tests.fakes.engine import picture_of
from tests.fakes.pad import evidence_about

from countenance.api.azure.routes import COLLECTIONS
from countenance.policy import Rules
from countenance.policy.packs.pack import read_pack
from countenance.signing import Signer

OF_A_MANDATE = frozenset({"job", "detection", "session", "processor", "kept", "other kept"})
"""Kinds of things that belong to a mandate, whatever its galleries are."""
MAKES_OR_TAKES = re.compile(
    r"^(Create|Delete|Untag|Disassociate|Start\w+Processor|Stop\w+Processor|PUT|DELETE|delete)"
    r"|removals|erasures|galleries$|users$"
)
"""Operations after which something is there or not, and those that never run here."""
NOTHING = re.compile(r"(?!)")
OPEN = frozenset({"object", "video"})
"""Kinds that whoever may use pictures at all may use."""


@dataclass
class Probed:
    """there: what is there. holders: keys by what they are. mandates: ids by whose they are."""

    world: World
    client: httpx.Client
    there: Things
    holders: dict[str, Holder]
    owners_mandate: str

    def answers(self, holder: str, probe: Probe, things: Things) -> str:
        return shown(send(self.client, probe, self.holders[holder]), things)

    @contextmanager
    def owner_expired(self) -> Iterator[None]:
        columns = ("expires_at", "approved_at", "requested_at")
        row = self._mandate(columns, [(now() - timedelta(hours=n)).isoformat() for n in (1, 2, 3)])
        yield
        self._mandate(columns, row)

    def _mandate(self, columns: tuple[str, ...], values: list[Any]) -> list[Any]:
        where = "WHERE mandate_id = :id"
        with self.world.database.begin() as connection:
            row = connection.execute(
                sa.text(f"SELECT {', '.join(columns)} FROM mandates {where}"), {"id": self.owners_mandate}
            ).one()
            for column, value in zip(columns, values, strict=True):
                connection.execute(
                    sa.text(f"UPDATE mandates SET {column} = :v {where}"), {"v": value, "id": self.owners_mandate}
                )
        return list(row)


def other_name(kind: str, name: str) -> str:
    """A name of the same form and length, of nothing."""
    if name.isdigit():
        return name
    if len(name) == 36:
        return f"deadbeef-0000-4000-8000-{len(kind):012d}"
    head, _, tail = name.rpartition("-")
    return f"{head}-{'e' * len(tail)}" if head else f"z{name[1:]}"


def without(there: Things, *kinds: str) -> dict[str, str]:
    return {kind: other_name(kind, name) if kind in kinds else name for kind, name in there.items()}


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    folder: Path = tmp_path_factory.mktemp("probed")
    with (
        world(folder, Rules([read_pack("mandate")])) as made,
        httpx.Client(base_url=made.url, timeout=30, trust_env=False) as client,
    ):
        key = made.granted(galleries=["g*"])
        there = filled(made, folder, key)
        holders = {
            "owner": Holder(key["access_key"], key["secret"]),
            "nobody": Holder(None),
            "a wrong secret": Holder(key["access_key"], "x" * len(key["secret"])),
            "an unknown key": Holder("CNTNUNKNOWNKEY000000", key["secret"]),
        }
        for name, galleries in {"revoked": "g*", "expired": "g*", "of other galleries": "h*", "a peer": "g*"}.items():
            other = made.granted(galleries=[galleries])
            holders[name] = Holder(other["access_key"], other["secret"])
            if name == "revoked":
                made.client("ben approves").post(f"/mandates/{other['mandate_id']}/revocation", json={"why": "over"})
            if name == "expired":
                Probed(made, client, there, {}, other["mandate_id"])._mandate(
                    ("expires_at", "approved_at", "requested_at"),
                    [(now() - timedelta(hours=n)).isoformat() for n in (1, 2, 3)],
                )
        yield Probed(made, client, there, holders, key["mandate_id"])


def filled(made: World, folder: Path, key: dict[str, str]) -> dict[str, str]:
    """One of each kind of thing, made with the owner's key; their names."""
    own, boto = made.faces(key["access_key"], key["secret"]), made.boto(key["access_key"], key["secret"])
    (folder / "a.jpg").write_bytes(picture_of(1))
    made.films.add("a.mp4", 1)

    def post(path: str, **body: Any) -> Any:
        answer = own.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    there = {"gallery": "g-there", "user": "ada-there", "object": "a.jpg", "video": "a.mp4", "processor": "p-there"}
    post("/galleries", gallery_id="g-there")
    there["face"] = post("/galleries/g-there/faces", image=PICTURE)["enrolled"][0]["face_id"]
    post("/galleries/g-there/users", user_id="ada-there")
    post("/galleries/g-there/users/ada-there/faces", face_ids=[there["face"]])
    video = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}
    there["job"] = boto.start_face_search(Video=video, CollectionId="g-there")["JobId"]
    there["detection"] = boto.start_face_detection(Video=video)["JobId"]
    made.run_jobs()
    boto.create_stream_processor(
        Name="p-there",
        Input={"KinesisVideoStream": {"Arn": "arn:aws:kinesisvideo:eu-test-1:000000000000:stream/a/1"}},
        Output={"KinesisDataStream": {"Arn": "arn:aws:kinesis:eu-test-1:000000000000:stream/a"}},
        Settings={"FaceSearch": {"CollectionId": "g-there"}},
        RoleArn="arn:aws:iam::000000000000:role/a",
    )
    evidence = evidence_about("Live", now() - timedelta(days=1), now() + timedelta(days=30), ISSUER)
    body = {
        "name": "Live",
        "public_key": Signer(b"c" * 32).public.hex(),
        "evidence": base64.b64encode(evidence).decode(),
        "expires_at": (now() + timedelta(days=7)).isoformat(),
    }
    there["check"] = made.client("ann asks").post("/liveness/checks", json=body).json()["check_id"]
    made.client("ben approves").post(f"/liveness/checks/{there['check']}/approval")
    there["session"] = boto.create_face_liveness_session()["SessionId"]
    sent = {"Ocp-Apim-Subscription-Key": f"{key['access_key']}:{key['secret']}"}
    with httpx.Client(base_url=f"{made.url}/face/v1.2", headers=sent, trust_env=False) as azure:
        image: Any = {"content": picture_of(1), "headers": {"content-type": "application/octet-stream"}}
        for word, kind in COLLECTIONS.items():
            there[word] = f"g-{word}-there"
            assert azure.put(f"/{word}/{there[word]}", json={"name": "x"}).is_success
            place = f"/{word}/{there[word]}"
            if kind.of_people:
                there[f"person of {word}"] = azure.post(f"{place}/persons", json={"name": "x"}).json()["personId"]
                place += f"/persons/{there[f'person of {word}']}"
            there[f"face of {word}"] = azure.post(f"{place}/persistedfaces", **image).json()["persistedFaceId"]
        for name in ("kept", "other kept"):
            there[name] = azure.post("/detect", **image).json()[0]["faceId"]
    return there


def groups(kinds: frozenset[str]) -> list[str]:
    """The kinds that are or lie in a gallery."""
    return sorted(kinds - OF_A_MANDATE - OPEN)


def told_by(probed: Probed, holder: str, vary: Any, *, but: re.Pattern[str] = NOTHING) -> dict[str, set[str]]:
    """What each operation answers where all is there, and where one thing is not; vary: which of the kinds that it
    names. Operations for which nothing varies, and those in whose names `but` is, are left out.
    """
    names = [(place, f"{probe.dialect} {probe.name}") for place, (probe, _) in enumerate(probes(probed.there))]
    told: dict[tuple[int, str], set[str]] = {}
    for kind in (None, *probed.there):
        things = probed.there if kind is None else without(probed.there, kind)
        for name, (probe, kinds) in zip(names, probes(things), strict=True):
            if not but.search(probe.name) and (kind in vary(kinds) or (kind is None and vary(kinds))):
                told.setdefault(name, set()).add(probed.answers(holder, probe, things))
    return {f"{name} {place}": each for (place, name), each in told.items()}


def differing(probed: Probed, holder: str, vary: Any) -> dict[str, set[str]]:
    return {name: each for name, each in told_by(probed, holder, vary).items() if len(each) > 1}


ALL: Any = frozenset
STRANGERS = {
    "nobody": ALL,
    "a wrong secret": ALL,
    "an unknown key": ALL,
    "revoked": ALL,
    "expired": ALL,
    "of other galleries": lambda kinds: kinds if groups(kinds) else kinds - OPEN,
    "a peer": lambda kinds: kinds & OF_A_MANDATE,
}


@pytest.mark.parametrize("holder", STRANGERS)
def test_answers_are_the_same_whether_a_thing_is_there_or_not(probed: Probed, holder: str) -> None:
    assert differing(probed, holder, STRANGERS[holder]) == {}


def test_nor_does_the_owner_whose_mandate_has_ended_learn_it(probed: Probed) -> None:
    with probed.owner_expired():
        assert differing(probed, "owner", ALL) == {}


def test_the_owner_is_told_the_difference_so_the_probes_are_good(probed: Probed) -> None:
    """By every operation but those that make or take away what others are asked about."""
    told = told_by(probed, "owner", ALL, but=MAKES_OR_TAKES)
    assert {name: each for name, each in told.items() if len(each) == 1} == {}
