"""One run of a migration: read the source, match pictures to faces, then enrol, or ask both services."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from countenance import settings
from countenance.app import Countenance
from countenance.audit.sources.live.cassette import Cassette, Header
from countenance.audit.sources.live.live_source import Pacer
from countenance.cli.installation import installation
from countenance.cli.migrate.agreement import Pairing, write_agreement
from countenance.cli.migrate.answers import OwnAnswers, SourceAnswers
from countenance.cli.migrate.enrolment import GalleryMove, Outcome
from countenance.cli.migrate.matching import Matched, Row, by_manifest, by_rule, read_manifest
from countenance.cli.migrate.pictures import Pictures
from countenance.cli.migrate.questions import Album, SharedQuestion, from_file, sampled
from countenance.cli.migrate.report import TEMPLATES, reasons, write_report
from countenance.cli.migrate.source import CloudSource, SourceGallery
from countenance.errors import BadRequest
from countenance.operations import Caller, QualityFilter, SendPictures
from countenance.progress import track

CASSETTE = "source.cassette.jsonl"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller chose; the options of the command. there, here: thresholds 0..100 of the source and of us."""

    names: tuple[str, ...]
    pictures: Pictures
    pictures_in: str
    in_bucket: bool
    key: str | None
    manifest: Path | None
    rule: str | None
    quality: QualityFilter
    report: Path
    dry_run: bool
    price: float | None
    compare: bool
    questions: Path | None
    pairs: int
    searches: int
    seed: int
    calls_per_second: float
    yes: bool
    there: float
    here: float


def move(connect: Callable[[], CloudSource], choices: Choices) -> None:
    """Do what `choices` ask for. BadRequest: options that do not go together, or a source that is this server."""
    drawn = choices.questions is None or not choices.compare
    if drawn and (choices.manifest is None) == (choices.rule is None):
        raise BadRequest("which picture is whose? say it with --manifest or with --name, one of them")
    if choices.key is None and not choices.dry_run:
        raise BadRequest("this needs --key, the access key id of a mandate; --dry-run does without")
    rows = read_manifest(choices.manifest, choices.in_bucket) if choices.manifest else ()
    source = connect()
    if _place(source.address) == _place(settings.load().endpoint):
        raise BadRequest(f"the source {source.address} is this server; name the service that you come from")
    click.echo(f"from {source.address}, pictures in {choices.pictures_in}", err=True)
    names = _named(choices, source)
    read = [source.read(name) for name in track(names, "reading the source", len(names), "collections")]
    galleries = {gallery.name: gallery for gallery in read}
    matched = {
        name: _matched(gallery, choices, rows)
        for name, gallery in track(galleries.items(), "looking for pictures", len(galleries), "collections")
    }
    _say_strays(rows, galleries)
    if choices.compare:
        _compare(source, galleries, matched, choices)
    elif choices.dry_run:
        _say_plan(source, galleries, matched)
    else:
        _enrol(source, galleries, matched, choices)


def _named(choices: Choices, source: CloudSource) -> tuple[str, ...]:
    if choices.names:
        return tuple(dict.fromkeys(choices.names))
    names = source.names()
    if not names:
        raise BadRequest("the source has nothing to move")
    return names


def _matched(gallery: SourceGallery, choices: Choices, rows: Sequence[Row]) -> Matched:
    if choices.rule is not None:
        return by_rule(gallery, choices.pictures, choices.rule)
    if choices.manifest is not None:
        return by_manifest(gallery, choices.pictures, rows)
    return Matched()


def _say_strays(rows: Sequence[Row], galleries: Mapping[str, SourceGallery]) -> None:
    """A manifest may be about more collections than are moved; or a name in it is wrong."""
    strays = sorted({row.collection for row in rows} - galleries.keys())
    if strays:
        count = sum(row.collection in strays for row in rows)
        click.echo(f"{count} rows are about collections that are not moved: {', '.join(strays)}", err=True)


def _say_plan(source: CloudSource, galleries: Mapping[str, SourceGallery], matched: Mapping[str, Matched]) -> None:
    for name, gallery in galleries.items():
        items, unmatched = matched[name].items, matched[name].unmatched
        pictures = len({item.picture.name for item in items})
        click.echo(
            f"{name}: {len(gallery.faces)} faces and {len(gallery.users)} users at the source; {len(items)} faces of "
            f"{pictures} pictures would be enrolled, {sum(each.faces for each in unmatched)} faces or rows would not"
        )
        for each in unmatched:
            click.echo(f"  {each.picture or each.face_id or each.external_id}: {each.reason}: {each.detail}", err=True)
    click.echo(TEMPLATES)
    click.echo(f"the source was asked {source.calls} times for its lists; moving sends it nothing and asks no more")


def _enrol(
    source: CloudSource, galleries: Mapping[str, SourceGallery], matched: Mapping[str, Matched], choices: Choices
) -> None:
    click.echo(TEMPLATES)
    outcomes: list[Outcome] = []
    people: dict[str, Mapping[str, str]] = {}
    with installation() as app:
        for name, gallery in galleries.items():
            moving = GalleryMove(app, Caller(choices.key or ""), source, gallery, choices.quality)
            before, now = moving.run(matched[name])
            here = tuple(moving.outcomes(matched[name]))
            outcomes += here
            people[name] = moving.people
            done = f"{before} were dealt with before, " if before else ""
            enrolled = sum(bool(each.face_id) for each in here)
            click.echo(f"{name}: {done}{now} now; {enrolled} faces are enrolled, {len(here) - enrolled} rows are not")
    write_report(choices.report, outcomes, people)
    for reason, count in reasons(outcomes).items():
        click.echo(f"  {count} times: {reason}", err=True)
    click.echo(f"what became of every face: {choices.report / 'faces.csv'}")


def _compare(
    source: CloudSource, galleries: Mapping[str, SourceGallery], matched: Mapping[str, Matched], choices: Choices
) -> None:
    album = Album(choices.pictures)
    if choices.questions is not None:
        questions = from_file(choices.questions, album)
    else:
        items = {name: each.items for name, each in matched.items()}
        questions = sampled(items, album, choices.pairs, choices.searches, choices.seed)
    unknown = {q.gallery for q in questions} - galleries.keys() - {""}
    if unknown or not questions:
        raise BadRequest(
            f"the questions name {', '.join(sorted(unknown))}, which is not moved"
            if unknown
            else "nothing can be asked"
        )
    header = Header(
        source.asker.client, source.asker.models, {**source.asker.settings, "threshold": f"{choices.there:g}"}
    )
    tape = choices.report / CASSETTE
    if choices.dry_run and not tape.exists():
        _say_cost(source, questions, choices)
        return
    pacer = Pacer(choices.calls_per_second, time.monotonic, time.sleep)
    elsewhere = SourceAnswers(source, galleries, Cassette(tape, header), choices.there, pacer)
    todo = elsewhere.open(questions)
    _say_cost(source, todo, choices)
    if choices.dry_run:
        return
    if todo and not choices.yes:
        click.confirm("send them?", abort=True, err=True)
    with installation() as app:
        receipt = _send(app, source, elsewhere, todo, choices) if todo else "nothing was sent this time"
        labels = {
            name: _labels(app, source, gallery, matched[name], choices)
            for name, gallery in galleries.items()
            if any(q.gallery == name for q in questions)
        }
        here = OwnAnswers(app.guard, Caller(choices.key or ""), choices.here, labels)
        pairings = [
            Pairing(question, elsewhere.answer(question), here.answer(question))
            for question in track(questions, "asking this server", len(questions), "questions")
        ]
        about = {
            "source": f"{source.word} at {source.address}",
            "threshold at the source": f"{choices.there:g}",
            "similarity here": f"{choices.here:g}",
            "model here": app.engine.version,
            "questions": "from a file" if choices.questions else f"a sample, seed {choices.seed}",
            "receipt for what was sent": receipt,
        }
    notes = [
        "Agreement says nothing about who is right. Intervals are at 95 %; questions about one person (or, where that "
        "is not known, one picture) count as one cluster. A search agrees where the source's best is among the best "
        "here, or both found nobody; a picture that is itself enrolled is found by both.",
    ]
    if here.raised is not None:
        notes.append(f"Searches here were answered at {here.raised}, which is what the evidence carries.")
    for row in write_agreement(choices.report, pairings, about, notes):
        click.echo(f"{row.asked}: {row.questions} asked, both services agree in {row.agreement.text}")
    click.echo(f"the table: {choices.report / 'agreement.md'}; what differs: {choices.report / 'differences.csv'}")


def _labels(
    app: Countenance, source: CloudSource, gallery: SourceGallery, matched: Matched, choices: Choices
) -> Mapping[str, str]:
    return GalleryMove(app, Caller(choices.key or ""), source, gallery, choices.quality).labels(matched)


def _send(
    app: Countenance, source: CloudSource, elsewhere: SourceAnswers, todo: Sequence[SharedQuestion], choices: Choices
) -> str:
    """Ask the source, on record: the decision before, the count after."""
    hashes = tuple(sorted(_hashes(todo)))
    ask = SendPictures(source.word, source.address, hashes, choices.here, lambda: elsewhere.ask(todo))
    return app.guard.carry_out(Caller(choices.key or ""), ask).receipt


def _say_cost(source: CloudSource, todo: Sequence[SharedQuestion], choices: Choices) -> None:
    pairs = [q for q in todo if q.second is not None]
    searches = len(todo) - len(pairs)
    calls = source.calls_of(len(pairs), len(_hashes(pairs)), searches)
    price = "" if choices.price is None else f", {calls * choices.price:,.2f} at {choices.price:g} a call"
    pictures = len(_hashes(todo))
    click.echo(
        f"{pictures} pictures of people would leave this installation for {source.address}: {len(pairs)} comparisons "
        f"and {searches} searches, {calls} calls, {calls / choices.calls_per_second / 60:.1f} minutes{price}",
        err=True,
    )


def _hashes(questions: Sequence[SharedQuestion]) -> set[str]:
    return {shown.sha256 for q in questions for shown in (q.first, q.second) if shown is not None}


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = host in ("localhost", "::1", "127.0.0.1", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
    return "this machine" if local else host, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
