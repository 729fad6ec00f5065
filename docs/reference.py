"""Writes docs/commands.md and docs/errors.md from the code; `make docs` runs it, and a test compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from countenance import cli, errors

HERE = Path(__file__).parent


def commands() -> str:
    """Every command with its help and options."""
    parts = ["# Commands\n\nWritten by `make docs` from the code; do not edit.\n"]
    for path, command in _walk("countenance", cli.cli):
        if isinstance(command, click.Group):
            parts.append(f"## `{path}`\n\n{_help(command)}\n")
            continue
        names = " ".join(
            p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)
        )
        parts.append(f"### `{path}{' ' + names if names else ''}`\n\n{_help(command)}\n")
        options = [p for p in command.params if isinstance(p, click.Option)]
        lines = [f"- `{' / '.join([*o.opts, *o.secondary_opts])}`{_said(o)}" for o in options]
        if lines:
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _walk(f"{path} {name}", child)


def _help(command: click.Command) -> str:
    return (command.help or "").strip()


def _said(option: click.Option) -> str:
    words = [option.help or ""]
    if option.required:
        words.append("Required.")
    return f": {' '.join(word for word in words if word)}" if any(words) else ""


def tree(kind: type[errors.CountenanceError] = errors.CountenanceError, depth: int = 0) -> Iterator[str]:
    """Every error class, indented under its parent."""
    first = (kind.__doc__ or "").strip().splitlines()[0]
    yield f"{'  ' * depth}- `{kind.__name__}`: {first}"
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


def error_page() -> str:
    """The error tree."""
    head = "# Errors\n\nWritten by `make docs` from the code; do not edit. Each front door maps them to its own.\n\n"
    return head + "\n".join(tree()) + "\n"


if __name__ == "__main__":
    (HERE / "commands.md").write_text(commands())
    (HERE / "errors.md").write_text(error_page())
