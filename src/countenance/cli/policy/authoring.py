"""`countenance policy new`, `check`, `lint` and `diff`: for whoever writes a pack."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from countenance.cli.policy.packs import chosen_names, named
from countenance.errors import BadRequest, PolicyError
from countenance.policy.authoring.difference import RuleDifference, difference
from countenance.policy.authoring.lookups import A_YEAR, stale
from countenance.policy.authoring.mutation import coarse, dropped_conditions, unnoticed
from countenance.policy.authoring.skeleton import skeleton
from countenance.policy.fine_print.matrix import matrix
from countenance.policy.packs.pack import PACK_NAME, Pack, fine_print, shipped
from countenance.policy.rules import check
from countenance.progress import track
from countenance.settings import load


@click.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def diff(before: str, after: str, as_json: bool) -> None:
    """Print what changes from pack BEFORE to pack AFTER (names or folders): newly permitted, newly denied."""
    old, new = named(before), named(after)
    changes = difference(old, new)
    changed = _changed_cells(old, new)
    if as_json:
        click.echo(json.dumps({**_difference(changes), "fine_print": changed}, indent=2))
        return
    click.echo(_compared(changes))
    for row in changed:
        click.echo(f"fine print, {row['use']}, {row['state']}: {', '.join(row['actors'])}")


@click.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that the pack's folder is made in. Default: COUNTENANCE_PACKS_DIR, or here.",
)
def new(name: str, into: Path | None) -> None:
    """Lay down the three files of a pack called NAME, with one example clause that passes `check`."""
    if not re.fullmatch(PACK_NAME, name):
        raise BadRequest(f"a pack's name is made of a-z, 0-9 and -, got {name[:60]!r}")
    if name in shipped():
        raise BadRequest(f"a pack called {name} ships already; give yours another name")
    folder = (into or load().packs_dir or Path()) / name
    if folder.exists():
        raise BadRequest(f"{folder} is there already, and is left as it is")
    folder.mkdir(parents=True)
    for file, text in skeleton(name, datetime.now(UTC).date()).items():
        (folder / file).write_text(text, encoding="utf-8")
    path = str(folder) if "/" in str(folder) else f"./{folder}"
    click.echo(f"{folder} holds pack.toml, clauses.cedar and cases.toml; try `countenance policy check {path}`")


@click.command("check")
@click.argument("name", nargs=-1)
@click.option("--changes", is_flag=True, help="Try small changes of the packs that ship, too; minutes for all of them.")
def check_packs(name: tuple[str, ...], changes: bool) -> None:
    """Validate packs, run their cases, and see that these would notice a clause or a condition that is lost.

    Default: all packs. NAME may be a folder, such as ./ours. Of a pack that does not ship, each clause is left out,
    negated and turned round, and each part of each condition left out: some case must fail each time. One line a
    finding.
    """
    bad = 0
    for one in chosen_names(name):
        pack = named(one)
        check(pack)
        lost = _unnoticed(pack) if changes or pack.name not in shipped() else []
        for what in lost:
            click.echo(f"pack {pack.name}: no case notices this change: {what}", err=True)
        bad += len(lost)
        if not lost:
            click.echo(
                f"{pack.name} {pack.identity.version}: {len(pack.clauses)} clauses, {len(pack.cases)} cases, good"
            )
    if bad:
        raise PolicyError(
            f"{bad} {'change' if bad == 1 else 'changes'} would go unnoticed: write a case for each, or leave out what "
            "makes no difference"
        )


@click.command("lint")
@click.argument("name", nargs=-1)
@click.option("--days", type=click.IntRange(min=0), default=A_YEAR, show_default=True, help="How old is too old.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def lint(name: tuple[str, ...], days: int, as_json: bool) -> None:
    """List clauses that nobody held against their text, or not for a year. Exit code 1 if there is one."""
    today = datetime.now(UTC).date()
    clauses = [clause for one in chosen_names(name) for clause in stale(named(one), today, days)]
    if as_json:
        click.echo(json.dumps([clause.record() for clause in clauses], indent=2))
    else:
        for clause in clauses:
            click.echo(clause.sentence())
        if not clauses:
            click.echo(f"every clause was looked up in the last {days} days")
    if clauses:
        sys.exit(1)


def _unnoticed(pack: Pack) -> list[str]:
    mutants = [*coarse(pack), *dropped_conditions(pack)]
    return list(unnoticed(pack, track(mutants, f"changes of {pack.name}", len(mutants), "change")))


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
    """The cells of the fine print whose state changes, by use and new state."""
    old, new = (matrix(fine_print("matrix"), [pack]) for pack in (before, after))
    rows: dict[tuple[str, str], list[str]] = {}
    for use in old.uses:
        for actor in old.actors:
            was = old.at(before.name, use.id, actor.id).state
            now = new.at(after.name, use.id, actor.id).state
            if was is not now:
                rows.setdefault((use.title, f"{was} -> {now}"), []).append(actor.title)
    return [{"use": use, "state": state, "actors": actors} for (use, state), actors in rows.items()]


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
