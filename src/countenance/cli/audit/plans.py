"""`countenance audit plan` and `countenance audit run`."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import click

from countenance.audit.bundle.bundle import bundle_files, write_bundle
from countenance.audit.bundle.environment import environment
from countenance.audit.formats.codec import to_json
from countenance.audit.formats.moments import stamp
from countenance.audit.formats.plan import LiveApi, Plan, read_plan
from countenance.audit.planning.drafts import example, examples, plan_bytes, plan_of_draft
from countenance.audit.running.loading import OwnEngine, asked, load
from countenance.audit.running.running import Loaded, run_audit
from countenance.audit.sources.live import azure_face, rekognition
from countenance.audit.sources.live.asking import ask, draw, estimate
from countenance.audit.sources.live.cassette import Cassette, Header
from countenance.audit.sources.live.pacing import Pacer
from countenance.audit.sources.live.service import Service
from countenance.cli.audit.options import ANY, FILE, key_option, now, signer
from countenance.engine import Engine
from countenance.errors import BadRequest
from countenance.settings import load as settings


@click.command()
@click.argument("draft", type=FILE, required=False)
@click.option("-o", "--out", type=FILE, help="Where to write the plan; default: beside the draft, with .plan.json.")
@click.option("--example", "kind", help="Print a commented draft for one kind of source instead.")
def plan(draft: Path | None, out: Path | None, kind: str | None) -> None:
    """Write the plan of an audit as canonical JSON, and print its hash, before any score exists.

    DRAFT is a TOML file; `--example scores` prints one (or templates, images, rekognition, azure-face, outcomes,
    risks). Publish the hash, or give it to somebody: then the question cannot have been chosen to fit the answer.
    """
    if kind is not None:
        click.echo(example(kind), nl=False)
        return
    if draft is None:
        raise click.UsageError(f"name a draft, or --example with one of {', '.join(examples())}")
    made = plan_of_draft(draft, now())
    target = out if out is not None else draft.with_suffix(".plan.json")
    if target.resolve().parent != draft.resolve().parent:
        raise BadRequest("a plan lies in the folder of its draft: the paths in it are relative to that folder")
    target.write_bytes(plan_bytes(made))
    click.echo(f"plan    {target}")
    click.echo(f"sha256  {made.hash}")
    family = ", ".join(f"{h.measure} by {h.factor}" for h in made.hypotheses) or "none: nothing will be confirmed"
    click.echo(f"family  {family}; corrected by {made.correction}, margin {made.margin:g}")
    for line in made.limits:
        click.echo(f"limit   {line}")
    if made.data_seen:
        click.echo("note    scores exist already, so this audit is exploratory, not preregistered")


@click.command()
@click.argument("plan_file", metavar="PLAN", type=FILE)
@click.option("-o", "--out", type=ANY, required=True, help="The bundle: a folder, or a file that ends in .zip.")
@click.option(
    "--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Deviate from the plan (TOML value); recorded."
)
@click.option("--cassette", type=FILE, help="Where a live service's answers are kept; default: beside the plan.")
@click.option("--replay", is_flag=True, help="Ask nothing: use the answers on the cassette.")
@click.option("--yes", is_flag=True, help="Do not ask before calls that cost money.")
@click.option("--azure-key", envvar="AZURE_FACE_KEY", help="Key for Azure Face; better given as AZURE_FACE_KEY.")
@key_option
def run(
    plan_file: Path,
    out: Path,
    changes: tuple[str, ...],
    cassette: Path | None,
    replay: bool,
    yes: bool,
    azure_key: str | None,
    key: Path | None,
) -> None:
    """Carry out PLAN and write a signed bundle of counts. Whatever deviates from the plan is marked exploratory.

    Interrupted work on images or a live service goes on where it stopped: run the same command again.
    """
    declared = _read(plan_file)
    done = _changed(declared, changes)
    folder = plan_file.resolve().parent
    if done.api is not None:
        tape = cassette if cassette is not None else plan_file.with_suffix(".cassette.jsonl")
        loaded = _live(done, folder, tape, replay, yes, azure_key or "")
    else:
        loaded = load(done, folder, _engine() if done.images is not None else None)
    results = run_audit(declared, done, loaded, now)
    files = bundle_files(declared, results, environment(loaded.models), stamp(now()), signer(key))
    write_bundle(out, files)
    click.echo(results.headline)
    for line in (results.numbers.worst, results.numbers.ratio, results.numbers.meaning):
        click.echo(f"  {line}")
    for verdict in ("disparity shown", "equivalence shown", "insufficient evidence"):
        count = sum(j.verdict == verdict for j in results.judged)
        click.echo(f"{verdict}: {count} of {len(results.judged)} comparisons")
    for line in results.untold:
        click.echo(f"not told: {line}")
    for deviation in results.deviations:
        click.echo(f"deviation: {deviation.what}: planned {deviation.planned}, done {deviation.done}")
    click.echo(f"bundle {out}")


def _read(path: Path) -> Plan:
    if not path.is_file():
        raise BadRequest(f"there is no plan {path.name}")
    try:
        return read_plan(json.loads(path.read_text()))
    except ValueError as error:
        raise BadRequest(f"{path.name} is no plan: make one of a draft with `countenance audit plan`") from error


def _changed(declared: Plan, changes: tuple[str, ...]) -> Plan:
    value = to_json(declared)
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise BadRequest(f"--set takes FIELD=VALUE, got {change!r}")
        try:
            new: Any = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            new = text
        *path, last = name.split(".")
        inner = value
        for part in path:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or last not in inner:
            raise BadRequest(f"the plan has no field {name!r}")
        inner[last] = new
    return read_plan(value)


def _engine() -> OwnEngine:
    s = settings()
    engine = Engine.open(s.models_cache, s.detector, s.model, threads=s.threads, extra=s.models_dir)
    return OwnEngine(engine, s.detector, s.home / "audit" / "templates" / s.detector)


def _service(source: LiveApi, azure_key: str) -> Service:
    if source.client == "rekognition":
        return rekognition.Rekognition(source, rekognition.connect(source), time.time)
    return azure_face.AzureFace(source, azure_face.connect(source, azure_key), time.time)


def _live(plan: Plan, folder: Path, tape: Path, replay: bool, yes: bool, azure_key: str) -> Loaded:
    source = plan.api
    assert source is not None
    drawn = draw(source, folder, plan.groups.factors, plan.seed, plan.contradictions)
    service: Service | None = None
    if replay:
        cassette = Cassette(tape, None)
    else:
        service = _service(source, azure_key)
        cassette = Cassette(tape, Header(service.client, service.models, service.settings))
        told = estimate(source, drawn, cassette)
        click.echo(f"{told.sentence}; answers go to {tape.name}", err=True)
        if told.detections + told.comparisons and not yes:
            click.confirm("go on?", abort=True, err=True)
    pacer = Pacer(source.calls_per_second, time.monotonic, time.sleep)
    answers = ask(drawn, service, cassette, pacer, source.threshold, time.time())
    return asked(plan, folder, drawn, answers, cassette.header.models, tape)
