"""Rows edited in the database by hand, one forgery after the other: who notices, a use, `verify` or the start."""

from __future__ import annotations

import itertools
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.fakes.engine import MODEL, face_at, vector_of

from countenance.app import BOUND, Countenance
from countenance.budgets import Spending, read_defaults
from countenance.cli.ledger import ledger as commands
from countenance.custody import Custody, custody_rows
from countenance.errors import CountenanceError, Misconfigured, NotAsRecorded, StoreError, Unauthenticated
from countenance.faces import Template
from countenance.gallery import Gallery, damaged_rows, miscounted
from countenance.jobs import Findings, JobCandidate, JobKind, VideoRequest, candidates_going
from countenance.ledger import Bindings
from countenance.mandates import AccessKey, AccountSecret, Holder, MoratoriumStore, ProvenBy, Role, Terms
from countenance.scoring import Calibration, RawCosine
from countenance.settings import Settings, load
from countenance.signing import secret_file
from countenance.verification import verify_installation

pytestmark = pytest.mark.hardening
ROOT = Path(__file__).parents[3]

CALIBRATION = Calibration(MODEL, "raw", "ca" * 32, np.array([0.0, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))
BUDGET = read_defaults()["default"]
LATER = datetime.now(UTC) + timedelta(days=30)
ORDERED = VideoRequest(
    "m", "k", JobKind.SEARCH, "bucket", "film.mp4", None, "staff", 80.0, None, None, None, "asked", 7
)


@dataclass
class Scene:
    """What the forgeries find: who holds what in one installation. keys, tokens, holds, found: by what they are called;
    found are the cookies of sessions, and the ids of a video job and of a liveness session.
    """

    settings: Settings
    keys: dict[str, AccessKey]
    tokens: dict[str, str]
    holds: dict[str, str]
    found: dict[str, str]

    def open(self) -> Countenance:
        return Countenance.open(self.settings)

    def forge(self, *statements: str) -> None:
        with sqlite3.connect(self.settings.database_file) as connection:
            connection.create_function("nan_template", 0, lambda: np.full(32, np.nan, "<f4").tobytes())
            for statement in statements:
                assert connection.execute(statement).rowcount != 0, statement
        connection.close()

    def verify(self, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands, ["verify", *arguments], env={"COUNTENANCE_HOME": str(self.settings.home)})
        return result.exit_code, result.output


def gallery_of(app: Countenance) -> Gallery:
    ids = (f"{n:08x}-0000-4000-8000-000000000000" for n in itertools.count(app.ledger.size * 100))
    return Gallery(
        app.database,
        RawCosine(),
        lambda: datetime.now(UTC),
        lambda: next(ids),
        recorder=app.bindings,
        going=candidates_going,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    home = tmp_path_factory.mktemp("forged") / "home"
    scene = Scene(load({"COUNTENANCE_HOME": str(home)}), {}, {}, {}, {})
    app = scene.open()
    for name in ("active", "other", "ended"):
        terms = Terms("photo_library", "consent", ("staff",), ("identify",))
        asked = app.mandates.request(Holder(name), terms, requested_by="ann", expires_at=LATER)
        app.mandates.approve(asked.mandate_id, approved_by="ben")
        scene.keys[name] = app.mandates.issue_key(asked.mandate_id, to="ann")
    app.mandates.end(scene.keys["ended"].mandate_id, "misuse")
    app.mandates.request(
        Holder("waits"), Terms("photo_library", "consent", ("*",), ("identify",)), requested_by="eve", expires_at=LATER
    )
    for name in ("reads", "gone"):
        _, scene.tokens[name] = app.operators.add(name, [Role.AUDIT], LATER)
    app.operators.revoke("gone")
    for name in ("reads", "gone"):
        own = app.operators.named(name).operator_id
        app._sign_in_store.add(
            app._sign_in_store.draft(own, "laptop", f"credential of {name}", b"key of " + name.encode(), 3)
        )
        app._sign_in_store.add_link(app._sign_in_store.draft_link(own, "https://id.example", f"account of {name}"))
    accounts = app._account_store
    accounts.set_up("operator-1", AccountSecret("hash", "seed"))
    assert accounts.use_step("operator-1", 7)
    for name in ("live", "over"):
        scene.found[name] = accounts.begin("operator-1", ProvenBy.PASSWORD)
    accounts.end(scene.found["over"])
    assert accounts.use_challenge("taken", timedelta(days=1))
    for number in (1, 2):
        app.case_records.add("search", f"search-{number}", "case-1", {"leads": []})
    videos = app.jobs.videos
    scene.found["found"] = videos.start(replace(ORDERED, name="found.mp4"))
    scene.found["job"] = videos.start(ORDERED)
    check = app._check_store.draft(
        "a check", "ab" * 32, evidence=None, without_evidence="a test", requested_by="ann", expires_at=LATER
    )
    app._check_store.request(check)
    app._check_store.approve(check.check_id, approved_by="ben")
    session = app.jobs.liveness.create("m", check.check_id, None)
    app.jobs.liveness.take(session.session_id, b"live", b"signed")
    scene.found["liveness"] = session.session_id
    store = MoratoriumStore(app.database, app.bindings)
    store.add("halt-1", "signed")
    store.replace("halt-1", "signed", "signed twice")
    store.add("halt-2", "signed")
    gallery = gallery_of(app)
    for name in ("staff", "guests"):
        gallery.create(name, MODEL, "fake-1", {})
    for person, external in ((1, "one"), (2, "two"), (3, "gone")):
        gallery.enrol("staff", f"{person:064x}", external, [(face_at(0), Template(vector_of(person), MODEL))])
    with sqlite3.connect(scene.settings.database_file) as connection:  # what a thief of an older copy would have
        connection.execute("CREATE TABLE kept_images AS SELECT * FROM images WHERE external_id = 'gone'")
        connection.execute("CREATE TABLE kept_faces AS SELECT f.* FROM faces f JOIN kept_images i ON f.image=i.number")
    connection.close()
    one, two, _ = gallery.faces("staff", limit=9).items
    belonging: dict[str, list[str]] = {"ada": [one.face_id], "bob": [two.face_id], "none": []}
    leads = [JobCandidate(person, each.face_id, 0.9, 90.0, 1e-4) for person, each in ((0, one), (0, two), (1, two))]
    with videos.taken() as ran:
        assert ran is not None
        assert videos.succeed(ran, Findings((), tuple(leads), {}))
    for user, faces in belonging.items():
        gallery.create_user("staff", user)
        gallery.associate("staff", user, faces, calibration=CALIBRATION, similarity=0.0)
    (face,) = (each for each in gallery.faces("staff", limit=9).items if each.external_id == "gone")
    gallery.erase("staff", [face.face_id])
    for ask in ("reviewed", "rejected"):
        hold = app.custody.hold(
            mandate_id="m", decision=0, request_hash=ask, result_hash="r", contents={}, reviewers=2, authorise_by=LATER,
            clauses=["house.review"],
        )  # fmt: skip
        app.custody.review(hold.hold_id, "ann", agrees=ask == "reviewed")
        scene.holds[ask] = hold.hold_id
    app.custody.retain("staff", 30, "house.keep")
    for n in range(3):  # as the guard charges
        decided = app.ledger.append({"kind": "decision", "verdict": "permit"}).wait()
        left = app.account.spend("m", "k", "staff", BUDGET, Spending(n + 1))
        app.ledger.append({"kind": "result", "decision": decided.index, "charged": left.charged}).wait()
    decided = app.ledger.append({"kind": "decision", "verdict": "deny"}, {"gallery": "staff", "who": "x"}).wait()
    assert decided.index > 0
    app.close()
    return scene


@pytest.fixture
def scene(built: Scene, tmp_path: Path) -> Scene:
    home = tmp_path / "home"
    shutil.copytree(built.settings.home, home)
    return Scene(load({"COUNTENANCE_HOME": str(home)}), built.keys, built.tokens, built.holds, built.found)


def key_used(name: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app.register.mandate_of(scene.keys[name].access_key)

    return use


def token_used(name: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app.operators.holding(scene.tokens[name])

    return use


def passkey_used(name: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app._sign_in_store.with_credential(f"credential of {name}")

    return use


def account_used(name: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app._sign_in_store.linked("https://id.example", f"account of {name}")

    return use


def session_used(name: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app._account_store.session(scene.found[name])

    return use


def signed_in(scene: Scene, app: Countenance) -> None:
    app._account_store.secret_of("operator-1")


def challenged(scene: Scene, app: Countenance) -> None:
    """Use a challenge a second time; a no is to notice it."""
    if not app._account_store.use_challenge("taken", timedelta(days=1)):
        raise NotAsRecorded("known as used")


def case_read(scene: Scene, app: Countenance) -> None:
    app.case_records.of("search", "case-1")


def cases_read(scene: Scene, app: Countenance) -> None:
    app.case_records.of("search")


def page_read(scene: Scene, app: Countenance) -> None:
    app.case_records.page("search", 0, 50)


def record_asked(scene: Scene, app: Countenance) -> None:
    app.case_records.has("search", "search-2")


def job_fetched(mandate: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app.jobs.videos.find(mandate, scene.found["job"], JobKind.SEARCH)

    return use


def job_run(scene: Scene, app: Countenance) -> None:
    """Take the next job; taking none is to notice it."""
    with app.jobs.videos.taken() as job:
        if job is None:
            raise NotAsRecorded("left out")


def leads_told(scene: Scene, app: Countenance) -> None:
    job = app.jobs.videos.find("m", scene.found["found"], JobKind.SEARCH)
    assert job is not None
    app.jobs.videos.candidates(job, [0, 1])


def check_used(scene: Scene, app: Countenance) -> None:
    app._check_store.in_force()


def liveness_asked(scene: Scene, app: Countenance) -> None:
    app.jobs.liveness.show(scene.found["liveness"])


def hold_shown(ask: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        app.custody.show(scene.holds[ask])

    return use


def terms_read(scene: Scene, app: Countenance) -> None:
    app.custody.terms()


def decided(scene: Scene, app: Countenance) -> None:
    MoratoriumStore(app.database, app.bindings).all()


def searched(name: str, person: int) -> Callable[[Scene, Countenance], None]:
    """Search for a person; finding them is to notice nothing."""

    def use(scene: Scene, app: Countenance) -> None:
        found = gallery_of(app).search(name, Template(vector_of(person), MODEL), limit=1, min_score=0.9)
        if not found.hits:
            raise NotAsRecorded("left out of the search")

    return use


def searched_user(user: str, person: int) -> Callable[[Scene, Countenance], None]:
    """Search by user for a person; finding that user is to notice nothing."""

    def use(scene: Scene, app: Countenance) -> None:
        probe = [Template(vector_of(person), MODEL)]
        found = gallery_of(app).search_users("staff", probe, limit=1, calibration=CALIBRATION, similarity=80.0)
        if [each.user_id for each in found.hits] != [user]:
            raise NotAsRecorded("left out of the search")

    return use


def user_compared(user: str) -> Callable[[Scene, Countenance], None]:
    def use(scene: Scene, app: Countenance) -> None:
        gallery_of(app).user_templates("staff", user)

    return use


def forged_copy(scene: Scene, app: Countenance) -> None:
    app.register.mandate_of("CNTNCOPY")


def charged(scene: Scene, app: Countenance) -> None:
    app.account.spend("m", "k", "staff", BUDGET, Spending(1))


MANDATE = "mandate_id = (SELECT mandate_id FROM mandates WHERE holder LIKE '%\"{}\"%')"
ACTIVE, ENDED, OTHER, WAITS = (MANDATE.format(name) for name in ("active", "ended", "other", "waits"))
REVIEWED, REJECTED = (
    f"hold_id = (SELECT hold_id FROM custody_holds WHERE ask = '{x}')" for x in ("reviewed", "rejected")
)
COLUMNS = "holder,terms,requested_by,requested_at,expires_at,approved_by,approved_at,ended_at,ended_why"
READS = "(SELECT operator_id FROM operators WHERE name = 'reads')"
FIRST = "number = (SELECT min(number) FROM faces)"
TWO = "(SELECT template FROM faces ORDER BY number LIMIT 1 OFFSET 1)"

# what is edited -> the statements, and the use that must notice (None: nothing uses the row in question)
FORGERIES: dict[str, tuple[list[str], Callable[[Scene, Countenance], None] | None]] = {
    "a mandate's end extended": (
        [f"UPDATE mandates SET expires_at='2999-01-01T00:00:00+00:00' WHERE {ACTIVE}"],
        key_used("active"),
    ),
    "a revocation cleared": ([f"UPDATE mandates SET ended_at=NULL, ended_why=NULL WHERE {ENDED}"], key_used("ended")),
    "galleries widened": (
        [f"UPDATE mandates SET terms=replace(terms,'staff','*') WHERE {ACTIVE}"],
        key_used("active"),
    ),
    "operations widened": (
        [f"UPDATE mandates SET terms=replace(terms,'identify','enrol') WHERE {ACTIVE}"],
        key_used("active"),
    ),
    "a purpose changed": (
        [f"UPDATE mandates SET terms=replace(terms,'photo_library','x') WHERE {ACTIVE}"],
        key_used("active"),
    ),
    "powers hidden": (
        [f"UPDATE mandates SET holder=replace(holder,'none','state') WHERE {ACTIVE}"],
        key_used("active"),
    ),
    "an approval made up": (
        [f"UPDATE mandates SET approved_by='ben', approved_at=requested_at WHERE {WAITS}"],
        None,
    ),
    "a requester renamed": ([f"UPDATE mandates SET requested_by='zoe' WHERE {ACTIVE}"], key_used("active")),
    "a mandate's row deleted": ([f"DELETE FROM mandates WHERE {WAITS}"], None),
    "a mandate made up": (
        [f"INSERT INTO mandates SELECT 'mandate-x',{COLUMNS} FROM mandates WHERE {ACTIVE}"],
        None,
    ),
    "a key moved to another mandate": (
        [f"UPDATE access_keys SET mandate_id=(SELECT mandate_id FROM mandates WHERE {OTHER}) WHERE {ACTIVE}"],
        key_used("active"),
    ),
    "a key made up": (
        [f"INSERT INTO access_keys SELECT 'CNTNCOPY', mandate_id, sealed_secret FROM access_keys WHERE {ACTIVE}"],
        forged_copy,
    ),
    "a key deleted": ([f"DELETE FROM access_keys WHERE {OTHER}"], None),
    "a key's secret replaced": ([f"UPDATE access_keys SET sealed_secret=x'00' WHERE {ACTIVE}"], key_used("active")),
    "an operator un-revoked": (["UPDATE operators SET revoked_at=NULL WHERE name='gone'"], token_used("gone")),
    "an operator given approve": (
        ["""UPDATE operators SET roles='["approve"]' WHERE name='reads'"""],
        token_used("reads"),
    ),
    "an operator's token replaced": (
        ["UPDATE operators SET token_sha256='00' WHERE name='gone'", "UPDATE operators SET token_sha256="
         "(SELECT token_sha256 FROM operators WHERE name='gone')||'0' WHERE name='reads'"],
        token_used("reads"),
    ),
    "an operator's end extended": (
        ["UPDATE operators SET expires_at='2999-01-01T00:00:00+00:00' WHERE name='reads'"],
        token_used("reads"),
    ),
    "an operator renamed": (["UPDATE operators SET name='rules' WHERE name='reads'"], token_used("reads")),
    "an operator made up": (
        ["INSERT INTO operators SELECT 'operator-x','x','x',roles,'00',added_at,expires_at,NULL "
         "FROM operators LIMIT 1"],
        None,
    ),
    "an operator deleted": (["DELETE FROM operators WHERE name='gone'"], None),
    "a passkey given to another operator": (
        [f"UPDATE console_passkeys SET operator_id={READS} WHERE credential_id='credential of gone'"],
        passkey_used("gone"),
    ),
    "a passkey's key replaced": (
        ["UPDATE console_passkeys SET public_key=(SELECT public_key FROM console_passkeys WHERE credential_id="
         "'credential of gone') WHERE credential_id='credential of reads'"],
        passkey_used("reads"),
    ),
    "a passkey's credential replaced": (
        ["UPDATE console_passkeys SET credential_id='credential of eve' WHERE credential_id='credential of reads'"],
        passkey_used("eve"),
    ),
    "a passkey's count put back": (
        ["UPDATE console_passkeys SET uses=0 WHERE credential_id='credential of reads'"],
        passkey_used("reads"),
    ),
    "a passkey made up": (
        [f"INSERT INTO console_passkeys SELECT 'passkey-x',{READS},name,'credential of eve',public_key,0,made_at "
         "FROM console_passkeys LIMIT 1"],
        passkey_used("eve"),
    ),
    "a passkey deleted": (["DELETE FROM console_passkeys WHERE credential_id='credential of gone'"], None),
    "an account given to another operator": (
        [f"DELETE FROM console_links WHERE operator_id={READS}",
         f"UPDATE console_links SET operator_id={READS} WHERE subject='account of gone'"],
        account_used("gone"),
    ),
    "an operator's account replaced": (
        [f"UPDATE console_links SET subject='account of eve' WHERE operator_id={READS}"],
        account_used("eve"),
    ),
    "an account linked by hand": (
        ["INSERT INTO console_links SELECT 'operator-x',issuer,'account of eve',made_at FROM console_links LIMIT 1"],
        account_used("eve"),
    ),
    "an account unlinked by hand": ([f"DELETE FROM console_links WHERE operator_id={READS}"], None),
    "an ended session lives again": (
        ["UPDATE console_sessions SET ended_at=NULL WHERE ended_at IS NOT NULL"],
        session_used("over"),
    ),
    "a session given to another operator": (
        ["UPDATE console_sessions SET operator_id='operator-2' WHERE ended_at IS NULL"],
        None,
    ),
    "a session deleted": (["DELETE FROM console_sessions WHERE ended_at IS NOT NULL"], None),
    "a one-time code good twice": (["UPDATE console_accounts SET last_step=0"], signed_in),
    "a sign-in deleted": (["DELETE FROM console_accounts"], None),
    "a used challenge deleted": (["DELETE FROM console_challenges"], challenged),
    "a used challenge made old": (["UPDATE console_challenges SET expires_at='2000-01-01'"], challenged),
    "a record of a case deleted": (["DELETE FROM casework_records WHERE record_id='search-1'"], case_read),
    "the last record of a case deleted": (["DELETE FROM casework_records WHERE record_id='search-2'"], record_asked),
    "all records of cases deleted": (["DELETE FROM casework_records"], cases_read),
    "a record of a case moved in time": (
        ["UPDATE casework_records SET made_at='2000-01-01T00:00:00+00:00' WHERE record_id='search-1'"],
        case_read,
    ),
    "the order of a case's records turned": (
        ["UPDATE casework_records SET number=-1 WHERE record_id='search-1'",
         "UPDATE casework_records SET number=0 WHERE record_id='search-2'",
         "UPDATE casework_records SET number=1 WHERE record_id='search-1'"],
        case_read,
    ),
    "a page of records without one": (["DELETE FROM casework_records WHERE record_id='search-2'"], page_read),
    "a page of records with one made up": (
        ["INSERT INTO casework_records SELECT kind,'search-x',parent,made_at,sealed,2 FROM casework_records "
         "WHERE record_id='search-1'"],
        page_read,
    ),
    "a record in the middle of a page gone": (["DELETE FROM casework_records WHERE record_id='search-1'"], page_read),
    "a number of a case's record made a word": (
        ["UPDATE casework_records SET number='x' WHERE record_id='search-1'"],
        page_read,
    ),
    "a job given to another mandate": (["UPDATE video_jobs SET mandate_id='n'"], job_fetched("n")),
    "a job under another key": (["UPDATE video_jobs SET access_key='x'"], job_run),
    "a job on another gallery": (["UPDATE video_jobs SET gallery_id='guests'"], job_run),
    "a job said to be reviewed": (["UPDATE video_jobs SET reviewed=1"], job_fetched("m")),
    "a job kept longer": (["UPDATE video_jobs SET keep_days=9999"], job_fetched("m")),
    "a job deleted": (["DELETE FROM video_jobs"], None),
    "a candidate of a job made another": (
        ["UPDATE video_job_candidates SET face=(SELECT max(number) FROM faces) WHERE rank=0"],
        leads_told,
    ),
    "a candidate made more similar": (["UPDATE video_job_candidates SET similarity=99 WHERE rank=0"], leads_told),
    "a candidate given to another person": (["UPDATE video_job_candidates SET person=1 WHERE rank=0"], leads_told),
    "a candidate moved to another job": (
        ["UPDATE video_job_candidates SET job=(SELECT max(number) FROM video_jobs) WHERE rank=0"],
        leads_told,
    ),
    "a candidate deleted": (["DELETE FROM video_job_candidates WHERE rank=0"], leads_told),
    "all candidates deleted": (["DELETE FROM video_job_candidates"], leads_told),
    "a candidate made up": (
        ["INSERT INTO video_job_candidates SELECT job, 5, 5, face, score, similarity, fmr FROM video_job_candidates "
         "WHERE rank=0"],
        leads_told,
    ),
    "an outside check's key replaced": ([f"UPDATE outside_checks SET public_key='{'cd' * 32}'"], check_used),
    "an outside check deleted": (["DELETE FROM outside_checks"], None),
    "a liveness session given to another mandate": (["UPDATE liveness_sessions SET mandate_id='n'"], liveness_asked),
    "a liveness session's result removed": (
        ["UPDATE liveness_sessions SET statement=NULL, signature=NULL"],
        liveness_asked,
    ),
    "a liveness session deleted": (["DELETE FROM liveness_sessions"], None),
    "a moratorium deleted": (["DELETE FROM moratoria WHERE moratorium_id='halt-2'"], decided),
    "all moratoria deleted": (["DELETE FROM moratoria"], decided),
    "a moratorium put back": (["UPDATE moratoria SET statements='signed' WHERE moratorium_id='halt-1'"], decided),
    "a template swapped": ([f"UPDATE faces SET template={TWO} WHERE {FIRST}"], searched("staff", 1)),
    "a template made NaN": ([f"UPDATE faces SET template=nan_template() WHERE {FIRST}"], searched("staff", 1)),
    "a face id changed": ([f"UPDATE faces SET face_id='x' WHERE {FIRST}"], searched("staff", 1)),
    "a face said to be covered": ([f"UPDATE faces SET unseen=0.5 WHERE {FIRST}"], searched("staff", 1)),
    "a face's date moved": ([f"UPDATE faces SET enrolled_us=enrolled_us+1 WHERE {FIRST}"], searched("staff", 1)),
    "a face moved": (
        [f"UPDATE faces SET gallery=(SELECT number FROM galleries WHERE gallery_id='guests') WHERE {FIRST}",
         "UPDATE galleries SET dimension=32, revision=revision+1, faces=1 WHERE gallery_id='guests'"],
        searched("guests", 1),
    ),
    "a face deleted": ([f"DELETE FROM faces WHERE {FIRST}"], None),
    "an erased face put back": (
        ["INSERT INTO images SELECT * FROM kept_images", "INSERT INTO faces SELECT * FROM kept_faces"],
        searched("staff", 3),
    ),
    "a user renamed": (["UPDATE users SET user_id='eve' WHERE user_id='ada'"], searched_user("eve", 1)),
    "a user's name taken": (
        ["UPDATE users SET user_id='x' WHERE user_id='ada'", "UPDATE users SET user_id='ada' WHERE user_id='bob'"],
        user_compared("ada"),
    ),
    "a user made up": (
        ["INSERT INTO users SELECT 99, gallery, 'eve', created_us FROM users WHERE user_id='ada'"],
        user_compared("eve"),
    ),
    "a user deleted": (["DELETE FROM users WHERE user_id='none'"], None),
    "a face given to another user": (
        [f"UPDATE faces SET user=(SELECT number FROM users WHERE user_id='bob') WHERE {FIRST}"],
        searched_user("bob", 1),
    ),
    "a face taken from its user": ([f"UPDATE faces SET user=NULL WHERE {FIRST}"], None),
    "an external id renamed": (["UPDATE images SET external_id='zoe' WHERE external_id='one'"], None),
    "a gallery renamed": (["UPDATE galleries SET gallery_id='mine' WHERE gallery_id='staff'"], searched("mine", 1)),
    "a review made up": (
        [f"INSERT INTO custody_reviews SELECT hold_id, 'ben', 1, at FROM custody_reviews WHERE {REVIEWED}"],
        hold_shown("reviewed"),
    ),
    "a rejection turned": ([f"UPDATE custody_reviews SET agrees=1 WHERE {REJECTED}"], hold_shown("rejected")),
    "a rejection deleted": ([f"DELETE FROM custody_reviews WHERE {REJECTED}"], hold_shown("rejected")),
    "fewer reviewers": ([f"UPDATE custody_holds SET reviewers=1 WHERE {REVIEWED}"], hold_shown("reviewed")),
    "a deadline moved": (
        [f"UPDATE custody_holds SET authorise_by='2999-01-01T00:00:00+00:00' WHERE {REVIEWED}"],
        hold_shown("reviewed"),
    ),
    "an authorisation made up": (
        [f"UPDATE custody_holds SET requested_at=made_at, granted_at=made_at WHERE {REVIEWED}"],
        hold_shown("reviewed"),
    ),
    "a held result deleted": (
        [f"DELETE FROM custody_reviews WHERE {REVIEWED}", f"DELETE FROM custody_holds WHERE {REVIEWED}"],
        None,
    ),
    "a term of retention lengthened": (["UPDATE custody_retention SET days=3000"], terms_read),
    "a term of retention deleted": (["DELETE FROM custody_retention"], terms_read),
    "a charge lowered to that of an earlier call": (
        ["UPDATE budget_charges SET sealed=(SELECT sealed FROM budget_charges WHERE number=1) WHERE number=3"],
        charged,
    ),
    "the last charge deleted": (["DELETE FROM budget_charges WHERE number=3"], charged),
    "all charges deleted": (["DELETE FROM budget_charges"], charged),
    "charges moved in time": (["UPDATE budget_charges SET number=number+100"], charged),
    "a charge renamed": (["UPDATE budget_charges SET link=x'00' WHERE number=2"], charged),
    "an opening edited": (["UPDATE ledger_openings SET value='\"guests\"' WHERE name='gallery'"], None),
    "an opening deleted": (["DELETE FROM ledger_openings WHERE name='who'"], None),
    "an opening moved in time": (["UPDATE ledger_openings SET time='2099-01-01T00:00:00Z' WHERE name='who'"], None),
    "a gallery said to be small": (["UPDATE galleries SET faces=1 WHERE gallery_id='staff'"], None),
    "a gallery said to have no users": (["UPDATE galleries SET users=0 WHERE gallery_id='staff'"], None),
    "a face hidden from searches by user": ([f"UPDATE faces SET user_revision=NULL WHERE {FIRST}"], None),
    "an operator's roles made no JSON": (["UPDATE operators SET roles='{' WHERE name='reads'"], token_used("reads")),
    "a charge made a text": (["UPDATE budget_charges SET link='x', sealed='x' WHERE number=2"], charged),
    "all openings deleted": (["DELETE FROM ledger_openings"], None),
    "an opening made up": (["INSERT INTO ledger_openings VALUES (1,'x','',x'00','1')"], None),
    "all checkpoints deleted": (["DELETE FROM ledger_checkpoints"], None),
    "the first checkpoint deleted": (
        ["DELETE FROM ledger_checkpoints WHERE size=(SELECT min(size) FROM ledger_checkpoints)"],
        None,
    ),
}  # fmt: skip


def test_without_a_forgery_everything_works_and_nothing_is_noticed(scene: Scene) -> None:
    app = scene.open()
    app.check_state()
    uses: tuple[Callable[[Scene, Countenance], None], ...]
    uses = (key_used("active"), key_used("ended"), token_used("reads"), decided, searched("staff", 1), charged)
    ways = [used(name) for used in (passkey_used, account_used) for name in ("reads", "gone")]
    uses += (session_used("live"), session_used("over"), signed_in, case_read, cases_read, record_asked)
    uses += (job_fetched("m"), job_run, leads_told, check_used, liveness_asked)
    for use in (*uses, *ways, hold_shown("reviewed"), hold_shown("rejected"), terms_read):
        use(scene, app)
    with pytest.raises(NotAsRecorded):  # erased, so not found
        searched("staff", 3)(scene, app)
    with pytest.raises(Unauthenticated):
        token_used("gone")(scene, app)
    accounts = app._account_store
    assert accounts.use_challenge("fresh", timedelta(days=1))
    assert not accounts.use_challenge("fresh", timedelta(days=1))
    assert [accounts.use_step("operator-1", step) for step in (7, 8, 8)] == [False, True, False]
    accounts.set_up("operator-1", AccountSecret("another", "seed"))
    ended = [accounts.session(scene.found[name]) for name in ("live", "over")]
    assert all(each and each.ended_at for each in ended)
    assert app.case_records.has("search", "search-2")
    assert not app.case_records.has("search", "search-3")
    assert app.case_records.of("search", "case-2") == []
    app.close()
    assert scene.verify()[0] == 0


def test_whom_a_job_names_goes_with_the_face_the_gallery_and_the_job_on_record(scene: Scene) -> None:
    app = scene.open()
    gallery, videos = gallery_of(app), app.jobs.videos
    job = videos.find("m", scene.found["found"], JobKind.SEARCH)
    assert job is not None
    one, _ = gallery.faces("staff", limit=9).items
    assert len(videos.candidates(job, [0, 1])) == 3
    gallery.erase("staff", [one.face_id])
    assert len(videos.candidates(job, [0, 1])) == 2
    assert app.bindings.differences() == []
    gallery.delete("staff")
    assert videos.candidates(job, [0, 1]) == []
    assert app.bindings.differences() == []
    app.jobs.videos._now = lambda: datetime.now(UTC) + timedelta(days=8)
    assert videos.erase_old() == 1
    app.close()
    assert scene.verify()[0] == 0


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_noticed_by_its_use_by_verify_and_by_the_start(scene: Scene, name: str) -> None:
    statements, use = FORGERIES[name]
    scene.forge(*statements)
    code, said = scene.verify()
    assert code == 1
    assert "ALTERED" in said
    app = scene.open()
    try:
        with pytest.raises(
            Misconfigured,
            match=r"not what the ledger recorded|with another key of that name, or every row of it was changed",
        ):
            app.check_state()
        app.check_state(despite="a test")  # told otherwise, it starts; and the use still notices
        if use is not None:
            with pytest.raises(CountenanceError):
                use(scene, app)
            with pytest.raises((NotAsRecorded, Unauthenticated)):
                use(scene, app)
        assert "a test" in [entry.fields.get("reason") for entry in app.ledger.entries()]
    finally:
        app.close()


def test_a_running_server_notices_a_row_put_back_to_what_it_was(scene: Scene) -> None:
    """Another process revokes; its row is undone at once: the memory of the running one must not say that it stands."""
    serving, elsewhere = scene.open(), scene.open()
    key_used("active")(scene, serving)
    before = sqlite3.connect(scene.settings.database_file).execute(f"SELECT * FROM mandates WHERE {ACTIVE}").fetchone()
    elsewhere.mandates.end(scene.keys["active"].mandate_id, "misuse")
    key_used("active")(scene, serving)
    assert before[8] is None
    scene.forge(f"UPDATE mandates SET ended_at=NULL, ended_why=NULL WHERE {ACTIVE}")
    with pytest.raises(NotAsRecorded):
        key_used("active")(scene, serving)
    serving.close()
    elsewhere.close()


def test_an_entry_that_binds_without_the_ledger_key_is_not_believed(scene: Scene) -> None:
    app = scene.open()
    app.check_state()
    size = app.ledger.size
    entry = f'{{"bound":{{}},"kind":"state","sequence":{size},"time":"2030-01-01T00:00:00.000000Z"}}'
    scene.forge(f"INSERT INTO ledger_entries VALUES ({size},'{entry}',x'{'00' * 32}',x'{'00' * 64}')")
    with pytest.raises(StoreError, match="not one that this ledger's key signed"):
        key_used("active")(scene, app)
    scene.forge(f"DELETE FROM ledger_entries WHERE sequence={size}")
    app.close()


def test_a_forged_row_cannot_be_changed_into_a_recorded_one(scene: Scene) -> None:
    scene.forge(f"UPDATE mandates SET terms=replace(terms,'staff','*') WHERE {ACTIVE}")
    app = scene.open()
    with pytest.raises(NotAsRecorded):
        app.register.renew(scene.keys["active"].mandate_id, approved_by="ben", expires_at=LATER + timedelta(days=1))
    row = app.register.show(scene.keys["active"].mandate_id)
    assert row.expires_at == LATER
    app.close()


def test_an_operator_may_bind_the_rows_as_they_are_on_record(scene: Scene) -> None:
    scene.forge(f"UPDATE mandates SET ended_at=NULL WHERE {ENDED}")
    environment = {"COUNTENANCE_HOME": str(scene.settings.home)}
    result = CliRunner().invoke(commands, ["accept", "--reason", "mended by hand"], env=environment)
    assert "2 differences" in result.output
    app = scene.open()
    app.check_state()
    assert "mended by hand" in [entry.fields.get("accepted") for entry in app.ledger.entries()]
    app.close()


def test_an_older_copy_of_the_whole_database_is_found_by_an_outside_checkpoint_only(
    scene: Scene, tmp_path: Path
) -> None:
    old = tmp_path / "old.sqlite"
    shutil.copy(scene.settings.database_file, old)
    app = scene.open()
    app.mandates.end(scene.keys["active"].mandate_id, "misuse")
    outside = tmp_path / "outside.checkpoint"
    outside.write_text(str(app.ledger.checkpoint()))
    app.close()
    shutil.copy(old, scene.settings.database_file)
    assert scene.verify()[0] == 0
    assert scene.verify("--since", str(outside))[0] == 1


def test_rows_of_a_kind_that_an_earlier_version_did_not_bind_are_bound_on_record(tmp_path: Path) -> None:
    settings = load({"COUNTENANCE_HOME": str(tmp_path / "home")})
    app = Countenance.open(settings)
    earlier = Bindings(
        app.database, app.ledger, secret_file(settings.keys / "bindings.key"), BOUND[: BOUND.index(custody_rows)]
    )
    assert earlier.differences() == []
    Custody(app.database, bytes(32), lambda: datetime.now(UTC)).retain("old", 30, "house.keep")
    app.check_state()
    assert [entry.fields["adopted"] for entry in app.ledger.entries() if entry.kind == "state"] == [0, 1]
    app.close()
    Countenance.open(settings).check_state()


def test_rows_from_before_are_bound_on_record(tmp_path: Path) -> None:
    settings = load({"COUNTENANCE_HOME": str(tmp_path / "home")})
    app = Countenance.open(settings)
    Gallery(app.database, RawCosine(), lambda: datetime.now(UTC), lambda: "f-1").create("old", MODEL, "fake-1", {})
    app.check_state()
    assert [entry.fields["adopted"] for entry in app.ledger.entries() if entry.kind == "state"] == [1]
    app.close()


def test_charges_that_were_edited_may_be_accepted_on_record_and_go_on(scene: Scene) -> None:
    scene.forge("DELETE FROM budget_charges WHERE number=3")
    environment = {"COUNTENANCE_HOME": str(scene.settings.home)}
    result = CliRunner().invoke(commands, ["accept", "--reason", "the disk lost it"], env=environment)
    assert "1 differences" in result.output
    app = scene.open()
    app.check_state()
    charged(scene, app)
    assert app.account.state("m", BUDGET).day == BUDGET.day - 1 - 2 - 1
    app.close()
    assert scene.verify()[0] == 0
    (scene.settings.keys / "budgets.key").unlink()
    code, said = scene.verify()
    assert (code, "keys/budgets.key is missing" in said) == (1, True)


def test_every_table_has_a_forgery_or_a_reason_in_the_docs(scene: Scene) -> None:
    with sqlite3.connect(scene.settings.database_file) as connection:
        names = (
            "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'kept%'"
        )
        tables = {name for (name,) in connection.execute(names)}
    connection.close()
    listed = (ROOT / "docs" / "ledger.md").read_text().split("| table | bound |")[1].split("\n\n")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (yes|no)", listed, re.MULTILINE))
    assert told.keys() == tables
    statements = [each for some, _ in FORGERIES.values() for each in some]
    forged = {name for each in statements for name in re.findall(r"(?:UPDATE|INTO|^DELETE FROM) (\w+)", each)}
    assert {name for name, bound in told.items() if bound == "yes"} == forged


def edited(value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    if isinstance(value, str):
        return {"{": '{"a": 1}', "[": '["x"]'}.get(value[:1], value + "x")
    return 1 if value is None else float(value) + 0.25 if isinstance(value, float) else int(str(value)) - 1


def test_every_column_of_a_bound_table_is_bound_or_the_docs_say_why_not(scene: Scene) -> None:
    page = (ROOT / "docs" / "ledger.md").read_text()
    listed = page.split("| column | why")[1].split("\n\n")[0]
    told = {name for line in listed.splitlines() for name in re.findall(r"`(\w+\.\w+)`", line.split(" | ")[0])}
    bound = re.findall(r"^\| `(\w+)` \| yes", page.split("| table | bound |")[1], re.MULTILINE)
    app = scene.open()
    app.check_state()
    unnoticed = set()
    with closing(sqlite3.connect(scene.settings.database_file, isolation_level=None)) as database:
        for table in bound:
            for column in [each[1] for each in database.execute(f"PRAGMA table_info({table})")]:
                row, value = database.execute(
                    f"SELECT rowid, {column} FROM {table} ORDER BY {column} IS NULL, rowid LIMIT 1"
                ).fetchone()
                change = f"UPDATE {table} SET {column}=? WHERE rowid=?"
                database.execute(change, [edited(value), row])
                found = [*app.bindings.differences(), *miscounted(app.database), *app.account.differences()]
                if table.startswith("ledger_") and not found:
                    found = verify_installation(scene.settings, app.database).wrong
                if not found and not damaged_rows(app.database):
                    unnoticed.add(f"{table}.{column}")
                for where in (row, row - 1):  # the latter where the column is the row's number
                    if database.execute(change, [value, where]).rowcount:
                        break
    assert unnoticed == told
    app.check_state()
    app.close()
