"""Writes docs/commands.md, docs/errors.md and docs/audit-fields.md from the code; a test compares.

`make docs` runs it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from countenance import cli, errors
from countenance.audit.formats import plan as formats
from countenance.audit.formats.codec import Json, json_schema, to_json
from countenance.audit.formats.plan import SOURCES, Plan

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


_WRITTEN_FOR_YOU = ("together", "created", "inputs", "data_seen", "usual_hypotheses", "format")
"""Fields of a plan that no draft has: they are filled in when the plan is made."""
_TABLES = {
    "system": "[system]",
    "groups": "[groups]",
    "threshold": "[threshold]",
    "hypotheses": "[[hypotheses]]",
    "gallery": "[gallery]",
    **{source: f"[{source}]" for source in SOURCES},
}
"""Fields of a plan that are tables of a draft."""


def fields_page() -> str:
    """Every field of an audit's draft, from the schema of plans."""
    schema = json_schema(Plan, "")
    plan = schema["$defs"]["Plan"]
    parts = [
        "# Fields of an audit's plan\n\nWritten by `make docs` from the schema of plans; do not edit.\n\n"
        "A draft is a TOML file: the fields of the first table stand at its top, the others in tables of their own. "
        f"One of {', '.join(f'`[{source}]`' for source in SOURCES)} says where the data comes from. "
        '`""` means none. What verdicts, margins and small groups are: [audit.md](audit.md).\n',
        "## At the top\n\n" + _rows(plan, Plan, {*_TABLES, *_WRITTEN_FOR_YOU}),
    ]
    for name, heading in _TABLES.items():
        record = _record(plan["properties"][name])
        inner = schema["$defs"][record]
        about = plan["properties"][name].get("description", "")
        said = inner["description"] + (f" {about[0].upper()}{about[1:]}." if about else "")
        parts.append(f"## `{heading}`\n\n{said}\n\n" + _rows(inner, getattr(formats, record), set()))
    return "\n".join(parts)


def _rows(schema: Json, kind: type[Any], without: set[str]) -> str:
    given = {field.name: field for field in dataclasses.fields(kind)}
    lines = ["| field | takes | without it | meaning |", "|---|---|---|---|"]
    for name, told in schema["properties"].items():
        if name not in without:
            meaning = told.get("description", "")
            cells = (f"`{name}`", _takes(told), _default(given[name]), meaning)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _record(told: Json) -> str:
    for inner in (told, told.get("items", {}), *told.get("anyOf", ())):
        if "$ref" in inner:
            return str(inner["$ref"].rpartition("/")[2])
    raise ValueError(f"no record in {told}")


def _takes(told: Json) -> str:
    if "enum" in told:
        return ", ".join(f"`{value}`" for value in told["enum"])
    if "anyOf" in told:
        return " or ".join(_takes(inner) for inner in told["anyOf"])
    if told.get("type") == "array":
        return f"list of {_takes(told['items'])}"
    if told.get("type") == "object":
        return f"table of {_takes(told['additionalProperties'])}"
    words = {
        "string": "text",
        "number": "number",
        "integer": "whole number",
        "boolean": "true or false",
        "null": "none",
    }
    return words[told["type"]]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "an error"
    made = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if made is None:
        return "none"
    return f"`{json.dumps(to_json(made), ensure_ascii=False)}`"


if __name__ == "__main__":
    (HERE / "commands.md").write_text(commands())
    (HERE / "errors.md").write_text(error_page())
    (HERE / "audit-fields.md").write_text(fields_page())
