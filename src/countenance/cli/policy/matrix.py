"""`countenance policy matrix`: the fine print on a terminal, as a picture, as a page, as JSON."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime
from pathlib import Path

import click

from countenance.cli.policy.packs import DAY, chosen_names, named
from countenance.errors import BadRequest
from countenance.policy.fine_print.html import page
from countenance.policy.fine_print.matrix import Column, Matrix, columns_of, matrix
from countenance.policy.fine_print.svg import poster
from countenance.policy.fine_print.table import MatrixTable, extended, table_of
from countenance.policy.fine_print.terminal import by_actor, by_text
from countenance.policy.packs.pack import fine_print
from countenance.progress import track


@click.command("matrix")
@click.option("--packs", "names", help="Comma-separated; default: all.")
@click.option("--as-of", "as_of", type=DAY, help="Under the law of this day. Default: the day the tables were written.")
@click.option("--place", help="Put everybody here, such as US-WA or FR, and leave out who stands elsewhere.")
@click.option("--actor", "actors", multiple=True, help="Only this actor, by id; may be given again.")
@click.option("--use", "uses", multiple=True, help="Only this use, by id; may be given again.")
@click.option(
    "--table",
    "own",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own actors and uses, a TOML file, added to those that ship.",
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
def fine_print_matrix(
    names: str | None,
    as_of: datetime | None,
    place: str | None,
    actors: tuple[str, ...],
    uses: tuple[str, ...],
    own: Path | None,
    form: str,
    output: Path | None,
) -> None:
    """The fine print: what each text by itself does to many uses by many actors.

    A use is stopped, allowed only if something is done (it says what), left open, or the text is not about it. On a
    terminal, each text is shown by itself, or each actor, if --actor is given.
    """
    table = _table(own, place).only(actors, uses)
    packs = [named(name) for name in chosen_names(tuple(names.split(",")) if names else ())]
    columns: tuple[Column, ...] = columns_of(packs, table.place, table.place_name())
    if form == "terminal" and (place is None or sum(pack.kind == "law" for pack in packs) < 2):
        columns = tuple(Column.of(pack) for pack in packs)
    made = matrix(table, track(columns, "texts", len(columns), "text"), as_of.date() if as_of else None)
    shown = {"html": page, "svg": poster, "terminal": by_actor if actors else by_text, "json": _plain}[form]
    text = shown(made)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        click.echo(f"{len(made.cells)} cells written to {output}")


def _table(own: Path | None, place: str | None) -> MatrixTable:
    table = fine_print("matrix")
    if own is not None:
        try:
            table = extended(table, tomllib.loads(own.read_text(encoding="utf-8")))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadRequest(f"{own} is no TOML: {error}") from error
    whole = table_of(table)
    return whole if place is None else whole.at(place)


def _plain(made: Matrix) -> str:
    return json.dumps(made.record(), indent=2)
