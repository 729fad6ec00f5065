"""The main job on real faces, through plain boto3, in a folder of its own; what it finds goes to stdout."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from botocore.exceptions import ClientError

from countenance import settings
from countenance.app import Countenance
from countenance.demo.background import serving
from countenance.demo.faces import Photo, orl_faces
from countenance.demo.picture import draw
from countenance.demo.program import COLLECTION, Program, Searched
from countenance.engine import fetch, load_manifests
from countenance.home import private_home
from countenance.ledger.inspection import verify_records
from countenance.mandates import AccessKey, Holder, Terms
from countenance.metrics import clustered_rate
from countenance.progress import track
from countenance.scoring import expected_false_matches

_ENROLLED_PEOPLE = 30
_ENROLLED_PICTURES = 5


def run() -> None:
    """Fetch, enrol, search, be denied, verify, draw."""
    own = settings.load()
    private_home(own.home)
    _say("models", "YuNet (detector) and SFace (embedder), fetched by hash")
    fetch(load_manifests(own.models_dir).values(), own.models_cache)
    _say("faces", "ORL: 40 people, 10 pictures each (credit: AT&T Laboratories Cambridge)")
    photos = orl_faces(own.home / "demo-faces")
    home = own.home / "demo"
    shutil.rmtree(home, ignore_errors=True)  # a demo starts from nothing each time
    app = Countenance.open(replace(own, home=home, weights=own.models_cache))
    try:
        with serving(app.asgi()) as endpoint:
            _say("server", f"{endpoint}, ledger and gallery in {home}")
            _run(app, endpoint, photos, home)
    finally:
        app.close()


def _run(app: Countenance, endpoint: str, photos: Sequence[Photo], home: Path) -> None:
    key = _mandate(app, timedelta(days=1))
    short = _mandate(app, timedelta(seconds=1))
    _say("mandate", f"{key.mandate_id}: research on published faces, gallery {COLLECTION}, for one day")

    enrolled = [p for p in photos if p.person <= _ENROLLED_PEOPLE and p.number <= _ENROLLED_PICTURES]
    others = [p for p in photos if p.person > _ENROLLED_PEOPLE or p.number > _ENROLLED_PICTURES]
    program = Program(endpoint, app.settings.region, key.access_key, key.secret)
    began = time.monotonic()
    done = sum(track(program.enrol(enrolled), "enrol", len(enrolled), "images"))
    _say("enrol", f"{done} of {len(enrolled)} pictures of {_ENROLLED_PEOPLE} people, {_rate(len(enrolled), began)}")
    began = time.monotonic()
    searches = list(track(program.search(others), "search", len(others), "images"))
    _say("search", f"{len(searches)} other pictures of all 40 people at similarity 80, {_rate(len(searches), began)}")
    _results(searches)
    _denied(app, endpoint, short, others[0])

    app.ledger.checkpoint()
    _say("ledger", verify_records(app.ledger).sentence())
    picture = home / "search.png"
    most = max(searches, key=lambda searched: len(searched.candidates))
    draw(most, {(p.person, p.number): p.png for p in enrolled}, _chance(app, len(enrolled)), picture)
    _say("picture", f"one search, its leads and how wrong they may be: {picture}")


def _chance(app: Countenance, enrolled: int) -> Callable[[float], float]:
    calibration = app.tools.calibration
    return lambda similarity: expected_false_matches(calibration.fmr(calibration.score(similarity)), enrolled)


def _mandate(app: Countenance, lasting: timedelta) -> AccessKey:
    mandate = app.mandates.request(
        Holder("Countenance demo", kind="individual"),
        Terms(
            "photo_library",
            "consent",
            (COLLECTION,),
            ("manage", "enrol", "identify"),
            '{"gallery": {"provenance": "published_set"}}',
        ),
        requested_by="the demo",
        expires_at=datetime.now(UTC) + lasting,
    )
    app.mandates.approve(mandate.mandate_id, approved_by="whoever ran it")
    return app.mandates.issue_key(mandate.mandate_id, to=mandate.requested_by)


def _results(searches: Sequence[Searched]) -> None:
    known = [s for s in searches if s.probe.person <= _ENROLLED_PEOPLE]
    strangers = [s for s in searches if s.probe.person > _ENROLLED_PEOPLE]
    hits = [s for s in known if s.candidates and s.candidates[0][0] == s.probe.person]
    wrong = [s for s in known if s.candidates and s.candidates[0][0] != s.probe.person]
    missed = [s for s in known if not s.candidates]
    alarms = [s for s in strangers if s.candidates]
    click.echo(f"            enrolled people, right at rank 1     {_share(hits, known)}")
    click.echo(f"            enrolled people, missed              {_share(missed, known)}")
    click.echo(f"            enrolled people, another at rank 1   {_share(wrong, known)}")
    click.echo(f"            strangers, false alarms              {_share(alarms, strangers)}")
    click.echo(
        f"            by chance, per search: {searches[0].expected_false_matches:.2f} faces (group served worst)"
    )


def _share(some: Sequence[Searched], of: Sequence[Searched]) -> str:
    """`some` of `of` as text, with a 95 % interval that takes people, not pictures, as the unit."""
    people = sorted({s.probe.person for s in of})
    errors = [sum(s.probe.person == person for s in some) for person in people]
    trials = [sum(s.probe.person == person for s in of) for person in people]
    interval = clustered_rate(errors, trials).interval
    return (
        f"{len(some):>3} of {len(of)} ({len(some) / len(of):.1%}, 95 % interval {interval.low:.1%} to "
        f"{interval.high:.1%}, {len(people)} people)"
    )


def _denied(app: Countenance, endpoint: str, key: AccessKey, photo: Photo) -> None:
    expires = app.mandates.show(key.mandate_id).expires_at
    time.sleep(max(0.0, (expires - datetime.now(UTC)).total_seconds()) + 0.05)
    try:
        next(Program(endpoint, app.settings.region, key.access_key, key.secret).search([photo]))
    except ClientError as error:
        _say("denied", f"the same search under an expired mandate: {error.response['Error']['Code']}")
        click.echo(f"            {error.response['Error']['Message']}")
    else:
        raise click.ClickException("an expired mandate was served: this is a defect")


def _rate(count: int, began: float) -> str:
    return f"{count / (time.monotonic() - began):.0f} images/s"


def _say(what: str, text: str) -> None:
    click.echo(f"{what:<12}{text}")
