"""Groups of commands that import the file of a command when it is used, so that `--help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is, and its line in `--help`. name: in `module`."""

    module: str
    name: str
    help: str


class LazyGroup(click.Group):
    """Commands that are imported when they are used. places: by the word that calls them, in the order of `--help`."""

    def __init__(self, *args: Any, places: Mapping[str, LazyCommand], **options: Any) -> None:
        super().__init__(*args, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The words, in order."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        command = getattr(importlib.import_module(place.module), place.name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The words and their lines; nothing is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(word, place.help) for word, place in self._places.items()])
