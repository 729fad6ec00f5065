"""A key that permits nothing learns nothing of a bucket: the mandate is asked before the object is touched."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError
from tests.contract.rekognition.rekognition_fakes import boto_client, serving
from tests.contract.rekognition.spine import CALIBRATION
from tests.fakes.engine import FakeEngine, picture_of

from countenance.api.rekognition import Objects
from countenance.budgets import Budgets, read_defaults
from countenance.custody import Custody
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import AccessKey, Holder, MoratoriumStore, Register, Terms
from countenance.operations import BudgetKeeper, Guard, Jobs, MoratoriaInForce, Tools
from countenance.policy import Rules
from countenance.policy.packs.pack import read_pack
from countenance.scoring import RawCosine

OBJECTS = ["present.jpg", "too-large.jpg", "missing.jpg", "no/such/folder.jpg", "../outside.jpg", "unreadable.jpg"]
SENT: dict[str, Any] = {"Bytes": picture_of(1)}
_TIME = re.compile(r"\b1\d{9}\b")  # what a denial says of the time, in seconds
INPUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "detect_faces": ("Image", {}),
    "index_faces": ("Image", {"CollectionId": "staff"}),
    "search_faces_by_image": ("Image", {"CollectionId": "staff"}),
    "search_users_by_image": ("Image", {"CollectionId": "staff"}),
    "compare_faces source": ("SourceImage", {"TargetImage": SENT}),
    "compare_faces target": ("TargetImage", {"SourceImage": SENT}),
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    (folder / "present.jpg").write_bytes(picture_of(1))
    (folder / "unreadable.jpg").write_bytes(b"RIFF....WEBPVP8 ")
    with (folder / "too-large.jpg").open("wb") as file:
        file.truncate(20 * 1024 * 1024)
    return folder


def now() -> datetime:
    return datetime.now(UTC)


class Served:
    """A server under the pack that is always in force, and keys of mandates in each state."""

    def __init__(self, database: sa.Engine, ledger: Ledger) -> None:
        self.register = Register(database, bytes(32), now)
        self.gallery = Gallery(database, RawCosine(), now, lambda: str(uuid.uuid4()))
        tools = Tools(FakeEngine(), self.gallery, RawCosine(), CALIBRATION, (), Jobs(database, now))
        budgets = BudgetKeeper(Budgets(database, bytes(32), now), read_defaults())
        moratoria = MoratoriaInForce(MoratoriumStore(database), None)
        custody = Custody(database, bytes(32), now)
        rules = Rules([read_pack("mandate")])
        self.guard = Guard(tools, rules, ledger, self.register, custody, moratoria, now, budgets)
        self.database = database

    def key(self, state: str) -> AccessKey:
        if state == "unknown":
            return AccessKey("CNTNUNKNOWN", "a" * 40, "")
        operations = ("read",) if state == "for something else" else ("*",)
        terms = Terms("photo_library", "consent", ("*",), operations)
        asked = self.register.request(
            Holder("A museum"), terms, requested_by="ann", expires_at=now() + timedelta(hours=1)
        )
        self.register.approve(asked.mandate_id, approved_by="ben")
        key = self.register.issue_key(asked.mandate_id)
        if state == "revoked":
            self.register.end(asked.mandate_id, "over")
        if state == "expired":
            with self.database.begin() as connection:
                for column, ago in (("expires_at", 1), ("approved_at", 2), ("requested_at", 3)):
                    moment = (now() - timedelta(hours=ago)).isoformat()
                    connection.execute(
                        sa.text(f"UPDATE mandates SET {column} = :at WHERE mandate_id = :id"),
                        {"at": moment, "id": asked.mandate_id},
                    )
        return key


@pytest.fixture
def served(database: sa.Engine, ledger: Ledger) -> Served:
    return Served(database, ledger)


@pytest.mark.parametrize("state", ["revoked", "expired", "for something else", "unknown"])
def test_the_answers_are_identical_whatever_the_bucket_holds(
    served: Served, ledger: Ledger, photos: Path, state: str
) -> None:
    key = served.key(state)
    said: dict[str, set[str]] = {}
    with serving(served.guard, credentials=served.register, objects=Objects({"photos": photos})) as url:
        client = boto_client(url, key=key.access_key, secret=key.secret)
        for name, (member, more) in INPUTS.items():
            call = getattr(client, name.partition(" ")[0])
            places = [{"Bucket": "photos", "Name": each} for each in OBJECTS] + [{"Bucket": "none", "Name": "x.jpg"}]
            for place in places:
                before = ledger.size or 1  # an empty ledger begins with its key
                with pytest.raises(ClientError) as caught:
                    call(**{member: {"S3Object": place}}, **more)
                answer = caught.value.response
                headers = answer["ResponseMetadata"]["HTTPHeaders"]
                shown = {each: headers[each] for each in headers if each not in ("date", "x-amzn-requestid")}
                shown.pop("x-countenance-receipt", None)
                status = answer["ResponseMetadata"]["HTTPStatusCode"]
                said.setdefault(name, set()).add(_TIME.sub("T", repr((status, answer["Error"], sorted(shown.items())))))
                assert (ledger.size or 1) - before == (0 if state == "unknown" else 1)
    assert {name: each for name, each in said.items() if len(each) != 1} == {}


@pytest.mark.parametrize("state", ["revoked", "expired", "unknown"])
def test_nor_do_they_say_whether_a_gallery_exists(served: Served, state: str) -> None:
    key, said = served.key(state), set()
    served.gallery.create("staff", FakeEngine.model, FakeEngine.version, {})
    with serving(served.guard, credentials=served.register) as url:
        client = boto_client(url, key=key.access_key, secret=key.secret)
        for gallery in ("staff", "nobody"):
            with pytest.raises(ClientError) as caught:
                client.search_faces_by_image(CollectionId=gallery, Image=SENT)
            said.add(_TIME.sub("T", repr(caught.value.response["Error"])))
    assert len(said) == 1
