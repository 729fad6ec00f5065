"""`countenance audit plan`, `run`, `verify`, `report` and `diff`: an audit from its plan to its pages.

Each command imports what it needs when it runs, so that one that only reads answers at once.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countenance.cli.audit.options import ANY, FILE, key_option, now, signer
from countenance.errors import BadRequest
from countenance.settings import environment
from countenance.settings import load as settings
from countenance.signing import canonical

if TYPE_CHECKING:
    from countenance.audit.findings.differences import AuditDifference
    from countenance.audit.sources.live.cost import Estimate
    from countenance.audit.sources.source import Equipment, OwnEngine
    from countenance.metrics import Counting
    from countenance.signing import Signer


_PARTS_EACH = 4  # of a file's comparisons, for each process: none waits long for another one at the end


@click.command()
@click.argument("draft", type=FILE, required=False)
@click.option("-o", "--out", type=FILE, help="Where to write the plan; default: beside the draft, with .plan.json.")
@click.option("--example", "kind", help="Print a commented draft for one kind of source instead.")
def plan(draft: Path | None, out: Path | None, kind: str | None) -> None:
    """Write the plan of an audit as canonical JSON, and print its hash, before any score exists.

    DRAFT is a TOML file; `--example scores` prints one (or templates, images, rekognition, azure-face, adapter,
    outcomes, risks, pad, systems). Publish the hash, or give it to somebody: then the question cannot have been chosen
    to fit the answer. A draft with [[systems]] makes one plan for several systems, which are then compared.
    """
    from countenance.audit.planning.drafts import example, examples

    if kind is not None:
        click.echo(example(kind), nl=False)
        return
    if draft is None:
        raise click.UsageError(f"name a draft, or --example with one of {', '.join(examples())}")
    from countenance.audit.formats.plan import margins_words
    from countenance.audit.planning.plans import plan_bytes, plan_of_draft, systems_plan_of_draft

    notes: list[str] = []
    several = systems_plan_of_draft(draft, now(), notes.append)
    made = several.plans[0] if several is not None else plan_of_draft(draft, now(), notes.append)
    target = out if out is not None else draft.with_suffix(".plan.json")
    if target.resolve().parent != draft.resolve().parent:
        raise BadRequest("a plan lies in the folder of its draft: the paths in it are relative to that folder")
    target.write_bytes(plan_bytes(several or made))
    click.echo(f"plan    {target}")
    click.echo(f"sha256  {several.hash if several is not None else made.hash}")
    family = ", ".join(f"{h.measure} by {h.factor}" for h in made.hypotheses) or "none: nothing will be confirmed"
    click.echo(f"family  {family}; corrected by {made.correction}")
    if made.together is not None:
        asked = ", ".join(f"{b.measure} by {b.factor or 'nothing'}" for b in made.together.between) or "none"
        click.echo(f"systems {', '.join(made.together.systems)}")
        click.echo(f"between {asked}; corrected by holm")
    click.echo(f"margin  {margins_words(made) or 'none: no groups can be shown to be alike'}")
    for line in dict.fromkeys(limit for plan in (several.plans if several else (made,)) for limit in plan.limits):
        click.echo(f"limit   {line}")
    for line in dict.fromkeys(notes):
        click.echo(f"found   {line}")
    if any(plan.data_seen for plan in (several.plans if several else (made,))):
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
@click.option(
    "--workers",
    type=click.IntRange(0, 4096),
    default=0,
    help="Have so many processes of the cluster COUNTENANCE_CLUSTER count the comparisons of a score file.",
)
@click.option("--azure-key", envvar="AZURE_FACE_KEY", help="Key for Azure Face; better given as AZURE_FACE_KEY.")
@key_option
def run(
    plan_file: Path,
    out: Path,
    changes: tuple[str, ...],
    cassette: Path | None,
    replay: bool,
    yes: bool,
    workers: int,
    azure_key: str | None,
    key: Path | None,
) -> None:
    """Carry out PLAN and write a signed bundle of counts. Whatever deviates from the plan is marked exploratory.

    Interrupted work on images or a live service, or by processes of the cluster, goes on where it stopped: run the
    same command again. A plan for several systems leaves a bundle for each of them in the folder OUT.
    """
    from countenance.audit.findings.headline import leads_undeclared
    from countenance.audit.findings.presentations import presentation_lines
    from countenance.audit.formats.plan import read_plan, read_systems_plan
    from countenance.audit.formats.results import VERDICTS
    from countenance.audit.running import cassette_of
    from countenance.audit.running import run as run_plan
    from countenance.audit.sources.source import Equipment

    tape = cassette if cassette is not None else cassette_of(plan_file)

    def agree(estimate: Estimate) -> None:
        click.echo(f"{estimate.sentence}; answers go to {tape.name}", err=True)
        if estimate.detections + estimate.comparisons and not yes:
            click.confirm("go on?", abort=True, err=True)

    equipment = Equipment(_engine, tape, replay, azure_key or "", agree, environment())
    with _counting(plan_file, workers) as counting:
        equipment = replace(equipment, spread=counting)
        if read_systems_plan(plan_file) is not None:
            _run_systems(plan_file, out, signer(key), _changes(changes), equipment, yes)
            return
        results = run_plan(plan_file, out, signer(key), changes=_changes(changes), equipment=equipment)
    click.echo(results.headline)
    if leads_undeclared(read_plan(plan_file), results.judged):
        click.echo("nobody asked about this beforehand: it raises a question, and does not answer one")
    if results.asked is not None:
        click.echo(f"asked: {results.asked.product}, at {results.asked.host}; its model: {results.asked.model}")
    if not results.preregistered:
        click.echo("exploratory: this raises a question and answers none, see the deviations below")
    for line in (results.numbers.worst, results.numbers.ratio, results.numbers.meaning):
        click.echo(f"  {line}")
    if results.presentations is not None:
        for line in presentation_lines(results.presentations.everybody):
            click.echo(f"  {line}")
    for line in results.also:
        click.echo(f"also shown: {line}")
    declared = [j for j in results.judged if j.declared]
    for verdict in VERDICTS:
        count = sum(j.verdict == verdict for j in declared)
        click.echo(f"{verdict}: {count} of {len(declared)} comparisons")
    for line in results.findings:
        click.echo(f"found: {line}")
    for line in results.untold:
        click.echo(f"not told: {line}")
    for deviation in results.deviations:
        click.echo(f"deviation: {deviation.what}: planned {deviation.planned}, done {deviation.done}")
    click.echo(f"bundle {out}")


def _run_systems(
    plan_file: Path, out: Path, key: Signer, changes: dict[str, object], equipment: Equipment, yes: bool
) -> None:

    from countenance.audit.bundle import read_bundle
    from countenance.audit.findings.systems import compare_systems
    from countenance.audit.running import run_systems
    from countenance.audit.sources.live.cost import total_sentence

    def agree(estimates: Mapping[str, Estimate]) -> None:
        for name, one in estimates.items():
            click.echo(f"{name}: {one.sentence}", err=True)
        click.echo(total_sentence(estimates), err=True)
        if not yes and any(one.detections + one.comparisons for one in estimates.values()):
            click.confirm("go on?", abort=True, err=True)

    bundles = run_systems(
        plan_file, out, key, changes=changes, equipment=replace(equipment, agree=_agreed), agree=agree
    )
    read = [read_bundle(bundle) for bundle in bundles]
    comparison = compare_systems(read)
    click.echo(comparison.headline)
    for bundle in read:
        click.echo(f"  {bundle.plan.system.name}: {bundle.results.headline}")
    declared = [d for d in comparison.between if d.declared and d.found.p is not None]
    click.echo(
        f"between systems, a difference is shown in {sum(d.shown for d in declared)} of {len(declared)} comparisons"
    )
    for line in comparison.notes:
        click.echo(f"not told: {line}")
    for path in bundles:
        click.echo(f"bundle {path}")


@contextmanager
def _counting(plan_file: Path, workers: int) -> Iterator[Counting]:
    """Counts parts of comparisons here, or by so many processes of the cluster.

    Only numbers travel there, nobody's id or group's name. What they counted is kept until all was done without an
    error. `Misconfigured` where there is no cluster, or none that may be used.
    """
    from countenance.metrics import HERE, Counting

    if not workers:
        yield HERE
        return
    from countenance.audit.kept_counts import KeptCounts
    from countenance.cli.installation import installation
    from countenance.cluster import spread_large
    from countenance.progress import track

    with installation() as app:
        cluster, home = app.cluster_plan, app.settings.home
        app.check_cluster()
    folder = home / "audit" / "counts" / hashlib.sha256(plan_file.read_bytes()).hexdigest()[:16]
    kept = KeptCounts(folder, lambda work, parts: spread_large(cluster, work, parts, workers))
    yield Counting(
        lambda work, parts: track(kept(work, parts), "comparisons", len(parts), "parts"), _PARTS_EACH * workers
    )
    if kept.found:
        click.echo(f"{kept.found} parts were counted before", err=True)
    kept.forget()


def _agreed(estimate: Estimate) -> None:
    """Nothing is asked again: all systems together were agreed to."""


def _changes(texts: tuple[str, ...]) -> dict[str, object]:
    """Values by field out of texts FIELD=VALUE, each a TOML value or else a text."""
    changes: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadRequest(f"--set takes FIELD=VALUE, got {text!r}")
        try:
            changes[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            changes[name] = value
    return changes


def _engine() -> OwnEngine:
    from countenance.audit.sources.source import OwnEngine
    from countenance.engine import Engine

    s = settings()
    engine = Engine.open(s.models_cache, s.detector, s.model, threads=s.threads, extra=s.models_dir)
    return OwnEngine(engine, s.detector, s.home / "audit" / "templates" / s.detector)


@click.command()
@click.argument("bundle", type=ANY)
@click.option("--signer", metavar="HEX", help="The public key that must have signed it.")
def verify(bundle: Path, signer: str | None) -> None:
    """Check a bundle off line: signature, every file, the plan's hash, and that rates follow from their counts."""
    from countenance.audit.bundle import read_bundle, unpaired

    read = read_bundle(bundle, signer)
    for problem in read.problems:
        click.echo(f"wrong: {problem}")
    click.echo(f"bundle     {read.hash}")
    click.echo(f"plan       {read.plan.hash}, made {read.plan.created}")
    click.echo(f"signed by  {read.signer}{'' if signer else ' (whose key this is must be known from elsewhere)'}")
    click.echo(f"status     {'preregistered' if read.results.preregistered else 'exploratory'}")
    if left := unpaired(read.results):
        click.echo(f"note       the blocks of {', '.join(left)} do not add up: no test is paired by them")
    if read.problems:
        click.echo("not what was signed")
        sys.exit(1)
    click.echo("ok: it is what was signed, and its rates follow from its counts")


@click.command()
@click.argument("bundles", metavar="BUNDLE...", type=ANY, nargs=-1, required=True)
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the pages."
)
@click.option("--before", type=ANY, help="Bundle of an earlier audit: the report shows every group before and after.")
@click.option("--embed", is_flag=True, help="Write embed.svg, too: the headline and its picture, for another page.")
def report(bundles: tuple[Path, ...], out: Path, before: Path | None, embed: bool) -> None:
    """Write report.html (one page, no network), counts.csv, results.json; for faces a model card and a leaflet, too.

    Of several bundles: systems.html and systems.json, every system side by side in its last audit, tests between them,
    and what is shown to have changed since the audit before.
    `--embed` writes embed.svg, one picture with title, source line and alternative text.
    """
    from countenance.audit.bundle import counts_csv, read_bundle, verify_bundle
    from countenance.audit.findings.search_facts import facts_of_bundle
    from countenance.audit.formats.codec import to_json
    from countenance.audit.report.page import card_page, leaflet_page, report_page
    from countenance.audit.report.questions import embed_svg

    if len(bundles) > 1:
        if before is not None:
            raise click.UsageError("--before is for one bundle; several are compared with each other")
        _report_systems(bundles, out, embed)
        return
    read = read_bundle(bundles[0])
    earlier = None if before is None else verify_bundle(before)
    out.mkdir(parents=True, exist_ok=True)
    pages = {
        "report.html": report_page(read, earlier).encode(),
        "counts.csv": counts_csv(read.results),
        "results.json": canonical(to_json(read.results)),
    }
    if read.results.faces is not None:
        pages["card.html"] = card_page(read).encode()
        try:
            sizes = read.plan.gallery.sizes
            size = next((n for n in sizes if n >= 10_000), sizes[-1])
            pages["leaflet.html"] = leaflet_page(facts_of_bundle(read, size, None, read.plan.gallery.prior)).encode()
        except BadRequest as error:  # no false match rate: nothing to say about searches
            click.echo(f"no leaflet: {error}", err=True)
    if embed:
        drawn = embed_svg(read)
        if drawn is None:
            raise BadRequest("there is nothing to embed: no rates of two groups can be compared")
        pages["embed.svg"] = drawn.encode()
    for name, content in pages.items():
        (out / name).write_bytes(content)
        click.echo(out / name)


def _report_systems(bundles: tuple[Path, ...], out: Path, embed: bool) -> None:
    from countenance.audit.bundle import verify_bundle
    from countenance.audit.findings.systems import compare_systems
    from countenance.audit.formats.codec import to_json
    from countenance.audit.report.systems import systems_embed, systems_page

    read = [verify_bundle(bundle) for bundle in bundles]
    comparison = compare_systems(read)
    drawn = systems_embed(comparison, read) if embed else ""
    if drawn is None:
        raise BadRequest("there is nothing to embed: no rates of two groups can be compared")
    out.mkdir(parents=True, exist_ok=True)
    (out / "systems.html").write_text(systems_page(comparison, read))
    (out / "systems.json").write_bytes(canonical(to_json(comparison)))
    click.echo(comparison.headline)
    for line in comparison.said:
        click.echo(f"  {line}")
    if drawn:
        (out / "embed.svg").write_text(drawn, encoding="utf-8")
        click.echo(out / "embed.svg")
    click.echo(out / "systems.html")
    click.echo(out / "systems.json")


@click.command()
@click.argument("old", type=ANY)
@click.argument("new", type=ANY)
@click.option("--alpha", default=0.05, show_default=True, help="Chance of a false alarm over all cells.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(old: Path, new: Path, alpha: float, as_json: bool) -> None:
    """Compare two bundles cell by cell: what became better or worse between two versions of a system.

    Where both are about the same people the test is paired and clustered by them.
    """
    from countenance.audit.bundle import verify_bundle
    from countenance.audit.findings.differences import compare_bundles
    from countenance.audit.formats.codec import to_json

    difference = compare_bundles(verify_bundle(old), verify_bundle(new), alpha)
    if as_json:
        click.echo(json.dumps(to_json(difference), indent=2))
        return
    _print(difference)


def _print(difference: AuditDifference) -> None:
    from countenance.audit.findings.words import between, rate, times

    before, after = difference.old_system, difference.new_system
    click.echo(f"{before.name} {before.version} -> {after.name} {after.version}")
    for note in difference.notes:
        click.echo(f"note: {note}")
    rows = [("by", "measure", "group", "before", "after", "ratio", "95 % interval", "corrected p", "verdict")]
    rows += [
        (
            change.analysis or "everybody",
            change.measure,
            change.group,
            rate(change.before),
            rate(change.after),
            times(change.ratio) if change.ratio is not None else "-",
            between(change.bounds) if change.p is not None else "-",
            f"{change.p_corrected:.2g}" if change.p_corrected is not None else "-",
            change.verdict + (" (paired)" if change.paired else ""),
        )
        for change in difference.changes
        if change.before.known and change.after.known
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if left := len(difference.changes) + 1 - len(rows):
        click.echo(f"{left} more cells have no rate in one of the two, or in both: --json lists them")
