"""Where a command's passphrase comes from: a file, or whoever sits at the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from countenance.errors import BadRequest

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line is the passphrase; without it the terminal is asked.",
)


def passphrase_from(file: Path | None, *, new: bool) -> str:
    """The passphrase; `BadRequest` where the file has none. new: ask twice, as nobody could open it after a slip."""
    if file is None:
        return str(click.prompt("passphrase", hide_input=True, confirmation_prompt=new, err=True))
    try:
        line = file.read_text(encoding="utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"no passphrase can be read from {file.name}: {type(error).__name__}") from error
    if not line:
        raise BadRequest(f"the first line of {file.name} is empty; it should be the passphrase")
    return line
