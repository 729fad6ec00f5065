"""`countenance policy explain` and `corpus`: what the rules say about a described request, and about real cases."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from countenance.cli.policy.packs import DAY, chosen_names, named
from countenance.errors import BadRequest
from countenance.policy import Decision, Rules, Verdict
from countenance.policy.authoring.corpus import stories
from countenance.policy.description import moment_of, request_of
from countenance.policy.obligations import words
from countenance.policy.packs.pack import fine_print
from countenance.said_once import loads
from countenance.settings import load

_MARK = {Verdict.PERMIT: ".", Verdict.DENY: "#", Verdict.UNDETERMINED: "?"}


@click.command("explain")
@click.argument("request", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--packs", "names", help="Comma-separated; default: those of this installation.")
@click.option("--now", help="When it is asked: an ISO time with a zone. Default: now.")
@click.option("--as-of", "as_of", type=DAY, help="Under the law of this day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def explain(request: Path, names: str | None, now: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Decide one described REQUEST (a TOML or JSON file, - for stdin) and say why.

    The file states facts by their names, as `countenance policy words` lists them:

    \b
        operation = "identify"
        actor = { class_name = "city police", powers = ["arrest"], tier = "municipal" }
        use = { mode = "real_time", purpose = "crime_prevention" }

    A mandate that is not described is one that is in order. What is not stated stays unknown.
    """
    when = moment_of(now, datetime.now(UTC), "--now") if now else datetime.now(UTC)
    settings = load()
    chosen = tuple(names.split(",")) if names else settings.packs
    rules = Rules.load(chosen, settings.packs_dir, settings.appeal_contact)
    decision = rules.decide(request_of(_described(request), when), when, as_of=as_of.date() if as_of else None)
    click.echo(json.dumps(decision.record(), indent=2) if as_json else _explained(decision))


@click.command("corpus")
@click.option("--packs", "names", help="Comma-separated; default: all.")
def corpus(names: str | None) -> None:
    """Real cases: what each text says about them, and why."""
    chosen = [named(name) for name in chosen_names(tuple(names.split(",")) if names else ())]
    rules = {pack.name: Rules([pack]) for pack in chosen}
    for story in stories(fine_print("corpus")):
        click.echo(f"{story.title}\n    {story.what}\n    Sources: {'; '.join(story.sources)}")
        for name, rule in rules.items():
            decision = rule.decide(story.request, story.now)
            due = story.expected.get(name)
            why = due.why if due else decision.grounds[0].says
            click.echo(f"    {_MARK[decision.verdict]} {name}: {decision.verdict}. {why}")


def _described(path: Path) -> Mapping[str, object]:
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        text = data.decode()
        described = loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadRequest(f"the request is neither TOML nor JSON: {error}") from error
    assert isinstance(described, dict)
    return described


def _explained(decision: Decision) -> str:
    lines = [f"{str(decision.verdict).upper()}  under the law of {decision.law_date}", decision.sentence(), ""]
    for ground in decision.grounds:
        lines.append(f"{ground.id}  ({ground.pack.title} {ground.pack.version}, {ground.status})")
        lines += [f"    {ground.says}", f"    {ground.cite}"]
        if ground.remedy:
            lines.append(f"    What would change this: {ground.remedy}")
    if decision.failed:
        lines.append("Facts that decided:")
        lines += [f"    {fact.fact} = {fact.value}  ({fact.says})" for fact in decision.failed]
    if decision.missing:
        lines.append("Not stated, and needed:")
        for missing in decision.missing:
            choices = f": {', '.join(missing.choices)}" if missing.choices else ""
            lines.append(f"    {missing.fact}  ({missing.says}{choices})")
    if decision.obligations:
        lines.append("This permit binds to:")
        lines += [f"    {words(obligation)}  ({obligation.clause})" for obligation in decision.obligations]
    lines += [f"Appeal: {decision.appeal_contact}", "Asked:"]
    lines += [f"    {pack.name} {pack.version}  sha256 {pack.hash[:16]}" for pack in decision.packs]
    return "\n".join(lines)
