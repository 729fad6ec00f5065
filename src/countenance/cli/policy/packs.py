"""`countenance policy packs`, `show` and `words`: the rules as they are, and the packs that commands are given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import click

from countenance.policy.clauses import Status
from countenance.policy.facts import FACTS, schema
from countenance.policy.obligations import words
from countenance.policy.packs.pack import Pack, pack_in, read_pack, shipped
from countenance.policy.rules import check
from countenance.progress import track
from countenance.settings import load

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("packs")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--check", "checked", is_flag=True, help="Run every pack's own cases first.")
def packs(as_json: bool, checked: bool) -> None:
    """List the rule packs: version, hash, what they stop and what they leave open."""
    known = [named(name) for name in chosen_names(())]
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


@click.command("show")
@click.argument("name")
@click.option("--as-of", "as_of", type=DAY, help="Only clauses in force on this day.")
def show(name: str, as_of: datetime | None) -> None:
    """Print every clause of a pack: what it says, whom it binds, its source, since when, when somebody looked it up.

    And what would change the answer, and what a permit owes.
    """
    pack = named(name)
    for clause in pack.clauses:
        if as_of is not None and not clause.applies_on(as_of.date()):
            continue
        until = f" until {clause.in_force_until}" if clause.in_force_until else ""
        since = "always" if clause.in_force_from == date.min else f"from {clause.in_force_from}"
        click.echo(f"{clause.id}  {clause.effect}  {since}{until}  {clause.status}")
        click.echo(f"    {clause.says}")
        click.echo(f"    Binds: {clause.binds}")
        click.echo(f"    {clause.source}; {clause.cite}")
        click.echo(f"    Looked up: {clause.looked_up or 'never'}")
        if clause.remedy:
            click.echo(f"    What would change the answer: {clause.remedy}")
        for obligation in clause.obligations:
            click.echo(f"    Owes: {words(obligation)}")


@click.command("words")
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


def chosen_names(chosen: Sequence[str]) -> tuple[str, ...]:
    """`chosen` without spaces; all packs that ship or lie in the installation's folder if it is empty."""
    if chosen:
        return tuple(name.strip() for name in chosen)
    folder = load().packs_dir
    further = sorted(p.parent.name for p in folder.glob("*/pack.toml")) if folder else []
    return (*shipped(), *further)


def named(name: str) -> Pack:
    """A pack by name, or by folder if the text looks like a path."""
    if "/" in name or name.startswith("."):
        return pack_in(Path(name))
    return read_pack(name, load().packs_dir)


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
            {
                "id": c.id,
                "effect": c.effect,
                "status": c.status,
                "says": c.says,
                "citation": c.cite,
                "binds": c.binds,
                "source": c.source,
                "looked_up": c.looked_up.isoformat() if c.looked_up else None,
            }
            for c in pack.clauses
        ],
        "cases": len(pack.cases),
    }
