"""`countenance audit plan` and `countenance audit run`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

from countenance.audit.planning.plans import example, examples, plan_bytes, plan_of_draft
from countenance.audit.running.running import cassette_of
from countenance.audit.running.running import run as run_plan
from countenance.audit.sources.live.cost import Estimate
from countenance.audit.sources.source import Equipment, OwnEngine
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
    tape = cassette if cassette is not None else cassette_of(plan_file)

    def agree(estimate: Estimate) -> None:
        click.echo(f"{estimate.sentence}; answers go to {tape.name}", err=True)
        if estimate.detections + estimate.comparisons and not yes:
            click.confirm("go on?", abort=True, err=True)

    equipment = Equipment(_engine, tape, replay, azure_key or "", agree)
    results = run_plan(plan_file, out, signer(key), changes=_changes(changes), equipment=equipment, clock=now)
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


def _changes(texts: tuple[str, ...]) -> dict[str, object]:
    """Values by field out of texts FIELD=VALUE, each a TOML value or else a text."""
    changes: dict[str, object] = {}
    for text in texts:
        name, equals, told = text.partition("=")
        if not equals:
            raise BadRequest(f"--set takes FIELD=VALUE, got {text!r}")
        try:
            changes[name] = tomllib.loads(f"value = {told}")["value"]
        except tomllib.TOMLDecodeError:
            changes[name] = told
    return changes


def _engine() -> OwnEngine:
    s = settings()
    engine = Engine.open(s.models_cache, s.detector, s.model, threads=s.threads, extra=s.models_dir)
    return OwnEngine(engine, s.detector, s.home / "audit" / "templates" / s.detector)
