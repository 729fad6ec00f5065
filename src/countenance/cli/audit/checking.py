"""`countenance audit check` and `quick`: look a file over, and audit it without a plan made by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from countenance.cli.audit.options import FILE, key_option, now, signer
from countenance.errors import BadRequest, NotFound


@click.command()
@click.argument("file", type=FILE)
@click.argument("plan_file", metavar="[PLAN]", type=FILE, required=False)
def check(file: Path, plan_file: Path | None) -> None:
    """Look FILE over: how it is written, its columns, groups, classes and units, and what in it may mislead.

    With PLAN, a draft or a plan whose data lies beside it, everything that `plan` and `run` would refuse is told
    now. Nothing is written and no rate is computed. Exit code 1 where something must be decided first.
    """
    from countenance.audit.planning.guessing import seen

    overview = seen(file)
    for line in overview.lines():
        if plan_file is None or overview.kind != "unknown" or not line.startswith("seems"):  # a plan knows better
            click.echo(line)
    if plan_file is not None:
        _against(file, plan_file)
    elif overview.doubts:
        for doubt in overview.doubts:
            click.echo(f"decide  {doubt}")
        sys.exit(1)
    click.echo("ok")


def _against(file: Path, plan_file: Path) -> None:
    from countenance.audit.formats.plan import read_plan
    from countenance.audit.planning.plans import read_draft
    from countenance.audit.sources.source import source_of

    plan = read_plan(plan_file) if plan_file.suffix == ".json" else read_draft(plan_file)[0]
    source = source_of(plan, plan_file.parent)
    beside = {(plan_file.parent / name).resolve() for name in (*source.labels, *source.scores)}
    if file.resolve() not in beside:
        names = ", ".join((*source.labels, *source.scores))
        raise BadRequest(f"{plan_file.name} is not about {file.name}; it reads {names} in its own folder")
    try:
        findings = source.check()
    except NotFound as error:
        findings = (f"{error}: the rest was not looked at",)
    for finding in findings:
        click.echo(f"found   {finding}")


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the plan, the bundle and the report; default: beside FILE, with -audit.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask: take the plan as it was guessed.")
@click.option("--high-from", type=float, help="For risk scores: a score from here up counts as high.")
@click.option(
    "--by", "factors", multiple=True, metavar="COLUMN", help="Columns of groups; default: those that look so."
)
@click.option("--label-warning", help="For risk scores: what the outcome really measures, and what it does not.")
@click.option("--labelled-by", help="How the labels of groups came about: self-reported, perceived, from a register.")
@key_option
def quick(
    file: Path,
    out: Path | None,
    yes: bool,
    high_from: float | None,
    factors: tuple[str, ...],
    label_warning: str | None,
    labelled_by: str | None,
    key: Path | None,
) -> None:
    """Guess a plan from FILE, show it, ask, carry it out and write the report, all marked exploratory.

    The plan stays beside the report as draft.toml: change it and use `plan` and `run` for an audit that can confirm
    anything. What nobody can guess is asked for: the cut-off of a risk score, what its outcome really measures, and how
    the labels came about. The report lists what was guessed, and what nobody stated.
    """
    from countenance.audit.planning.guessing import guessed_draft, seen

    overview = seen(file)
    for line in (*overview.lines(), *(f"decide  {doubt}" for doubt in overview.doubts)):
        click.echo(line, err=True)
    if high_from is None and overview.kind == "risks":
        if yes:
            raise BadRequest("a risk score needs its cut-off: --high-from, a score from there up counts as high risk")
        high_from = click.prompt(
            f"from which {overview.roles['score']} up does a score count as high", type=float, err=True
        )
    folder = out if out is not None else file.with_name(f"{file.stem}-audit")
    if label_warning is None and overview.kind == "risks" and not yes:
        label_warning = click.prompt(
            f"what does {overview.roles['outcome']} really measure, and what not (nothing: not stated)",
            default="", show_default=False, err=True,
        )  # fmt: skip
    if labelled_by is None and overview.kind != "unknown" and not yes:
        labelled_by = click.prompt(
            "how did the labels of groups come about (nothing: not stated)", default="", show_default=False, err=True
        )
    draft = guessed_draft(overview, high_from, factors, label_warning or "", labelled_by or "")
    click.echo(draft)
    if not yes:
        click.confirm("carry this out?", abort=True, err=True)
    _carry_out(file, folder, draft, key)


def _carry_out(file: Path, folder: Path, draft: str, key: Path | None) -> None:
    import shutil

    from countenance.audit.findings.presentations import presentation_lines
    from countenance.audit.uploaded import whole_audit

    if folder.exists() and any(folder.iterdir()):
        raise BadRequest(f"{folder.name} is not empty; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, folder / file.name)
        (folder / "draft.toml").write_text(draft, encoding="utf-8")
        results = whole_audit(folder, "draft.toml", signer(key), now)
    except (BadRequest, NotFound):
        shutil.rmtree(folder)
        raise
    click.echo(results.headline)
    if results.presentations is not None:
        for line in presentation_lines(results.presentations.everybody):
            click.echo(f"  {line}")
    for line in (*results.findings, *results.limits):
        click.echo(f"found: {line}")
    click.echo("exploratory: the plan was guessed from the data")
    click.echo(folder / "report.html")
