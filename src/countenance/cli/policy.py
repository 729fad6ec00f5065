"""`countenance policy`: what the rules say, why, since when, and what a change of them would change."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from countenance.errors import BadRequest
from countenance.policy import Decision, Rules, Verdict
from countenance.policy.authoring.corpus import stories
from countenance.policy.authoring.difference import RuleDifference, difference
from countenance.policy.clauses import Status
from countenance.policy.description import moment_of, request_of
from countenance.policy.facts import FACTS, schema
from countenance.policy.fine_print.html import page
from countenance.policy.fine_print.matrix import Matrix, letter, matrix
from countenance.policy.fine_print.svg import poster
from countenance.policy.obligations import words
from countenance.policy.packs.pack import Pack, fine_print, pack_in, read_pack, shipped
from countenance.policy.rules import check
from countenance.progress import track
from countenance.settings import load

policy = click.Group("policy", help="Explain, compare and test the rules.")

_MARK = {Verdict.PERMIT: ".", Verdict.DENY: "#", Verdict.UNDETERMINED: "?"}
_DAY = click.DateTime(["%Y-%m-%d"])


@policy.command("packs")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--check", "checked", is_flag=True, help="Run every pack's own cases first.")
def packs(as_json: bool, checked: bool) -> None:
    """List the rule packs: version, hash, what they stop and what they leave open."""
    known = [_pack(name) for name in _names(())]
    if checked:
        for pack in track(known, "cases", len(known), "pack"):
            check(pack)
    if as_json:
        click.echo(json.dumps([_about(pack) for pack in known], indent=2))
        return
    for pack in known:
        doubts = [clause.id for clause in pack.clauses if clause.status is not Status.IN_FORCE]
        click.echo(f"{pack.name}  {pack.identity.version}  {pack.kind}  sha256 {pack.identity.hash[:16]}")
        click.echo(f"    {pack.identity.title}. {pack.summary}")
        click.echo(f"    Leaves open: {pack.leaves_open}")
        click.echo(
            f"    {len(pack.clauses)} clauses, {len(pack.cases)} cases; {len(doubts)} unreviewed, disputed or ended; "
            f"reviewed by {pack.reviewed_by or 'nobody yet'}"
        )


@policy.command("show")
@click.argument("name")
@click.option("--as-of", "as_of", type=_DAY, help="Only clauses in force on this day.")
def show(name: str, as_of: datetime | None) -> None:
    """Print every clause of a pack: what it says, its source, since when, and what would change the answer."""
    pack = _pack(name)
    for clause in pack.clauses:
        if as_of is not None and not clause.applies_on(as_of.date()):
            continue
        until = f" until {clause.in_force_until}" if clause.in_force_until else ""
        since = "always" if clause.in_force_from == date.min else f"from {clause.in_force_from}"
        click.echo(f"{clause.id}  {clause.effect}  {since}{until}  {clause.status}")
        click.echo(f"    {clause.says}")
        click.echo(f"    {clause.cite}")
        if clause.remedy:
            click.echo(f"    What would change the answer: {clause.remedy}")
        for obligation in clause.obligations:
            click.echo(f"    Owes: {words(obligation)}")


@policy.command("words")
@click.option("--schema", "as_schema", is_flag=True, help="The Cedar schema instead of the list.")
def vocabulary(as_schema: bool) -> None:
    """List every fact that a rule may use, and the words it may take."""
    if as_schema:
        click.echo(schema(), nl=False)
        return
    for fact in FACTS:
        need = "" if fact.optional else "  (always stated)"
        click.echo(f"{fact.path}  {fact.cedar}{need}\n    {fact.says}")
        if fact.choices:
            click.echo(
                f"    one of {', '.join(fact.choices)}" if fact.cedar == "String" else "    " + ", ".join(fact.choices)
            )


@policy.command("explain")
@click.argument("request", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--packs", "names", help="Comma-separated; default: those of this installation.")
@click.option("--now", help="When it is asked: an ISO time with a zone. Default: now.")
@click.option("--as-of", "as_of", type=_DAY, help="Under the law of this day.")
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


@policy.command("matrix")
@click.option("--packs", "names", help="Comma-separated; default: all.")
@click.option(
    "--as-of", "as_of", type=_DAY, help="Under the law of this day. Default: the day the tables were written."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "html", "svg"]),
    default="terminal",
    show_default=True,
    help="How to show it: svg is one picture, html a page with every clause.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of stdout.")
def fine_print_matrix(names: str | None, as_of: datetime | None, form: str, output: Path | None) -> None:
    """The fine print: actors by uses, what each text by itself stops and what it leaves open."""
    chosen = [_pack(name) for name in _names(tuple(names.split(",")) if names else ())]
    table = matrix(fine_print("matrix"), track(chosen, "packs", len(chosen), "pack"), as_of.date() if as_of else None)
    drawn = {"html": page, "svg": poster, "terminal": _drawn, "json": _plain}[form]
    text = drawn(table)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        click.echo(f"{len(table.cells)} cells written to {output}")


@policy.command("corpus")
@click.option("--packs", "names", help="Comma-separated; default: all.")
def corpus(names: str | None) -> None:
    """Real cases: what each text says about them, and why."""
    chosen = [_pack(name) for name in _names(tuple(names.split(",")) if names else ())]
    rules = {pack.name: Rules([pack]) for pack in chosen}
    for story in stories(fine_print("corpus")):
        click.echo(f"{story.title}\n    {story.what}\n    Sources: {'; '.join(story.sources)}")
        for name, rule in rules.items():
            decision = rule.decide(story.request, story.now)
            click.echo(f"    {_MARK[decision.verdict]} {name}: {decision.verdict}. {story.expected[name].why}")


@policy.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def diff(before: str, after: str, as_json: bool) -> None:
    """Print what changes from pack BEFORE to pack AFTER (names or folders): newly permitted, newly denied."""
    old, new = _pack(before), _pack(after)
    changes = difference(old, new)
    changed = _changed_cells(old, new)
    if as_json:
        click.echo(json.dumps({**_difference(changes), "fine_print": changed}, indent=2))
        return
    click.echo(_compared(changes))
    for row in changed:
        click.echo(f"fine print, {row['use']}, {row['verdict']}: {', '.join(row['actors'])}")


@policy.command("check")
@click.argument("name", nargs=-1)
def check_packs(name: tuple[str, ...]) -> None:
    """Validate packs and run their cases; the first failure is an error. Default: all."""
    for one in _names(name):
        pack = _pack(one)
        check(pack)
        click.echo(f"{pack.name} {pack.identity.version}: {len(pack.clauses)} clauses, {len(pack.cases)} cases, good")


def _names(chosen: Sequence[str]) -> tuple[str, ...]:
    if chosen:
        return tuple(name.strip() for name in chosen)
    folder = load().packs_dir
    further = sorted(p.parent.name for p in folder.glob("*/pack.toml")) if folder else []
    return (*shipped(), *further)


def _pack(name: str) -> Pack:
    """A pack by name, or by folder if the text looks like a path."""
    if "/" in name or name.startswith("."):
        return pack_in(Path(name))
    return read_pack(name, load().packs_dir)


def _described(path: Path) -> Mapping[str, object]:
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        text = data.decode()
        described = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
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


def _plain(table: Matrix) -> str:
    return json.dumps(table.record(), indent=2)


def _drawn(table: Matrix) -> str:
    lines = [
        f"What each text by itself says, under the law of {table.law_date}.",
        "# stopped, ? cannot be decided, . left open. Below each use: the clauses that stop it, and whom.",
    ]
    width = max(len(pack.name) for pack in table.packs)
    named = [(actor, f"{letter(n)} {actor.title}") for n, actor in enumerate(table.actors)]
    actor_width = max(len(name) for _, name in named)
    for use in table.uses:
        lines += ["", use.title, ""]
        for row in range(width):
            letters = " ".join(pack.name.rjust(width)[row] for pack in table.packs)
            lines.append(f"{'':{actor_width}}  {letters}".rstrip())
        stopping: dict[str, list[str]] = {}
        for actor, name in named:
            decisions = [table.at(pack.name, use.id, actor.id) for pack in table.packs]
            lines.append(f"{name:{actor_width}}  {' '.join(_MARK[decision.verdict] for decision in decisions)}")
            for clause in (clause for d in decisions if not d.permitted for clause in d.clauses):
                stopping.setdefault(clause, []).append(name.partition(" ")[0])
        order = [pack.name for pack in table.packs]
        for clause in sorted(stopping, key=lambda clause: order.index(clause.partition(".")[0])):
            lines.append(f"  {clause:{actor_width}}{' '.join(stopping[clause])}")
    lines += ["", f"{'text':{width}}  stopped  undecided  left open"]
    for pack in table.packs:
        counts = [table.count(pack.name, v) for v in (Verdict.DENY, Verdict.UNDETERMINED, Verdict.PERMIT)]
        lines.append(f"{pack.name:{width}}  {counts[0]:7}  {counts[1]:9}  {counts[2]:9}")
    return "\n".join(lines)


def _compared(changes: RuleDifference) -> str:
    lines = []
    for what, names in (("added", changes.added), ("removed", changes.removed), ("changed", changes.changed)):
        lines += [f"clause {what}: {name}" for name in names]
    for what, examples in (("newly permitted", changes.permitted), ("newly denied", changes.denied)):
        lines.append(f"{what}: {len(examples) or 'no example found'}")
        lines += [f"    {example.sentence()}" for example in examples]
    lines.append(f"{changes.asked} requests asked of both; an example is real, and none found is no proof")
    return "\n".join(lines)


def _changed_cells(before: Pack, after: Pack) -> list[dict[str, Any]]:
    """The cells of the fine print with a changed verdict, by use and new verdict."""
    old, new = (matrix(fine_print("matrix"), [pack]) for pack in (before, after))
    rows: dict[tuple[str, str], list[str]] = {}
    for use in old.uses:
        for actor in old.actors:
            was = old.at(before.name, use.id, actor.id).verdict
            now = new.at(after.name, use.id, actor.id).verdict
            if was is not now:
                rows.setdefault((use.title, f"{was} -> {now}"), []).append(actor.title)
    return [{"use": use, "verdict": verdict, "actors": actors} for (use, verdict), actors in rows.items()]


def _difference(changes: RuleDifference) -> dict[str, object]:
    return {
        "added": list(changes.added),
        "removed": list(changes.removed),
        "changed": list(changes.changed),
        **{
            what: [
                {
                    "case": example.case,
                    "changes": dict(example.changes),
                    "asked": example.asked,
                    "facts": example.facts,
                    "before": example.before.record(),
                    "after": example.after.record(),
                }
                for example in examples
            ]
            for what, examples in (("newly_permitted", changes.permitted), ("newly_denied", changes.denied))
        },
        "asked": changes.asked,
    }


def _about(pack: Pack) -> dict[str, object]:
    return {
        "name": pack.name,
        "title": pack.identity.title,
        "version": pack.identity.version,
        "hash": pack.identity.hash,
        "kind": pack.kind,
        "closed": pack.closed,
        "source": pack.source,
        "read_on": pack.read_on.isoformat(),
        "reviewed_by": pack.reviewed_by,
        "summary": pack.summary,
        "leaves_open": pack.leaves_open,
        "clauses": [
            {"id": c.id, "effect": c.effect, "status": c.status, "says": c.says, "citation": c.cite}
            for c in pack.clauses
        ],
        "cases": len(pack.cases),
    }
