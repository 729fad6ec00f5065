"""`countenance audit adapter`: services described by a TOML file. List them, try one, ask one about pictures.

What asks a service is imported by the command that asks: to list descriptions takes none of it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countenance.audit.sources.live.adapter.description import FOLDER, CallName, read_adapter, shipped
from countenance.cli.audit.options import FILE
from countenance.errors import CountenanceError
from countenance.settings import environment

if TYPE_CHECKING:
    from countenance.audit.sources.live.adapter.answers import Sought
    from countenance.audit.sources.live.cassette import RecordedReply
    from countenance.audit.sources.live.cost import Estimate

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST_SHOWN = 2_000


@click.group()
def adapter() -> None:
    """Ask any service that speaks HTTP and JSON, described by a TOML file."""


@adapter.command("list")
def list_adapters() -> None:
    """List the descriptions that ship: their calls, the variables of their keys, and how they were checked."""
    for name in shipped():
        described = read_adapter(name, Path()).adapter
        click.echo(f"{name}: {described.name}, {described.endpoint}")
        click.echo(f"  calls    {', '.join(described.calls)}")
        keys = [slot.variable + (" (optional)" if slot.optional else "") for slot in described.secrets]
        if described.sign is not None:
            keys += [described.sign.key_id, described.sign.secret]
        click.echo(f"  keys     {', '.join(keys) or 'none'}")
        price = described.price
        click.echo(f"  price    {price.currency} {price.per_call:g} a call ({price.status})")
        click.echo(f"  checked  {described.checked}")


@adapter.command("show")
@click.argument("name")
def show_adapter(name: str) -> None:
    """Print the description NAME, as a start for one of your own."""
    read_adapter(name, Path())
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    click.echo(path.read_text(encoding="utf-8"), nl=False)


@adapter.command("test")
@click.argument("file")
@click.argument("first", type=_PICTURE)
@click.argument("second", type=_PICTURE)
@click.option("--endpoint", help="Another address than the description's.")
@click.option("--yes", is_flag=True, help="Do not ask before calls that cost money.")
def test_adapter(file: str, first: Path, second: Path, endpoint: str | None, yes: bool) -> None:
    """Try the description FILE (or one that ships, by name) with two pictures: every call, and what was understood.

    Give two pictures of one person, then two of different people: a similarity must fall, a distance rise.
    """
    from countenance.audit.sources.live.adapter.service import DescribedService
    from countenance.audit.sources.live.cost import Estimate

    adapter_file = read_adapter(file, Path())
    calls: tuple[CallName, ...] = tuple(adapter_file.adapter.calls)
    service = DescribedService(adapter_file, endpoint, environment(), calls, time.time, time.sleep)
    pictures = first.read_bytes(), second.read_bytes()
    singles = 2 * sum(name != "compare" for name in calls)
    count, described = singles + ("compare" in calls), service.described
    cost = count * described.price.per_call
    estimate = Estimate(
        singles, count - singles, count / described.calls_per_second, cost, described.price, False, described.asked
    )
    _agree(estimate, yes)
    looks: list[RecordedReply] = []
    try:
        for name in calls:
            if name == "compare":
                if looks and any(look.state != "answered" for look in looks):
                    click.echo("compare   not asked: a picture has no face")
                    continue
                tokens = [look.token for look in looks] or ["", ""]
                reply = service.compare(*pictures, *tokens)
                direction = adapter_file.adapter.compare.direction if adapter_file.adapter.compare else ""
                click.echo(f"compare   {_said(reply, direction)}")
                continue
            for picture, image in zip((first, second), pictures, strict=True):
                reply = service.detect(image) if name == "detect" else service.classify(image)
                if name == "detect":
                    looks.append(reply)
                click.echo(f"{name:<9} {picture.name}: {_said(reply)}")
    except CountenanceError:
        if service.last:
            shown = service.last if len(service.last) <= _LONGEST_SHOWN else f"{service.last[:_LONGEST_SHOWN]}..."
            click.echo(f"the last answer was: {shown}", err=True)
        raise


@adapter.command("ask")
@click.argument("file")
@click.option("--labels", type=FILE, required=True, help="CSV with one row a picture: its file, class and groups.")
@click.option("--images", type=_FOLDER, required=True, help="Folder that the files are in.")
@click.option("-o", "--out", type=FILE, required=True, help="Where to write the labels with the answers, a CSV.")
@click.option(
    "--what",
    type=click.Choice(["detect", "classify"]),
    default="classify",
    show_default=True,
    help="Look for a face, or ask for its class.",
)
@click.option("--file-column", default="file", show_default=True, help="Column of the pictures' files.")
@click.option("--endpoint", help="Another address than the description's.")
@click.option("--cassette", type=FILE, help="Where answers are kept; default: beside --out.")
@click.option("--replay", is_flag=True, help="Ask nothing: use the answers on the cassette.")
@click.option("--yes", is_flag=True, help="Do not ask before calls that cost money.")
def ask_adapter(
    file: str,
    labels: Path,
    images: Path,
    out: Path,
    what: Sought,
    file_column: str,
    endpoint: str | None,
    cassette: Path | None,
    replay: bool,
    yes: bool,
) -> None:
    """Ask the service of FILE about every labelled picture, and write a table that an `outcomes` plan takes.

    Make the plan first, while the table is not there: then the question cannot have been chosen to fit the answers.
    An empty prediction is a failure to answer, which counts. Interrupted work goes on where it stopped.
    """
    from countenance.audit.sources.live.adapter.answers import answers_csv, ask_about, read_pictures
    from countenance.audit.sources.live.adapter.service import DescribedService

    described = read_adapter(file, Path())
    table = read_pictures(labels, images, file_column)
    tape = cassette if cassette is not None else out.with_suffix(".cassette.jsonl")
    service = None if replay else DescribedService(described, endpoint, environment(), (what,), time.time, time.sleep)
    replies = ask_about(table, what, described, service, tape, lambda estimate: _agree(estimate, yes))
    out.write_text(answers_csv(table, what, replies), encoding="utf-8")
    silent = sum(reply.state != "answered" for reply in replies)
    click.echo(f"{out}: {len(replies)} pictures, {silent} without a face that was found or usable")


def _agree(estimate: Estimate, yes: bool) -> None:
    click.echo(estimate.sentence, err=True)
    if estimate.detections + estimate.comparisons and not yes:
        click.confirm("go on?", abort=True, err=True)


def _said(reply: RecordedReply, direction: str = "") -> str:
    if reply.state != "answered":
        return reply.state + (f" ({reply.error})" if reply.error else "")
    parts = [f"{direction} {reply.score:g}"] if reply.score is not None else [f"{reply.faces} face(s)"]
    parts += [f"class {reply.label}"] if reply.label else []
    parts += [f"{name} {value:g}" for name, value in reply.quality.items()]
    return ", ".join(parts + (["with a handle"] if reply.token else []))
