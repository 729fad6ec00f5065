import importlib.util
import re
from pathlib import Path

import click

from countenance import cli

DOCS = Path(__file__).parents[3] / "docs"
spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
assert spec is not None
assert spec.loader is not None
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)


def test_the_pages_of_commands_and_errors_are_those_of_the_code() -> None:
    assert (DOCS / "commands.md").read_text() == reference.commands(), "run `make docs`"
    assert (DOCS / "errors.md").read_text() == reference.error_page(), "run `make docs`"
    assert (DOCS / "audit-fields.md").read_text() == reference.fields_page(), "run `make docs`"


def test_every_command_and_option_says_what_it_is_for() -> None:
    silent = [path for path, command in reference._walk("countenance", cli.cli) if not (command.help or "").strip()]
    assert not silent
    unsaid = [
        f"{path} {option.opts[0]}"
        for path, command in reference._walk("countenance", cli.cli)
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not option.required
    ]
    assert not unsaid


def test_no_page_names_a_machines_path_or_a_page_that_is_not_there() -> None:
    root = DOCS.parent
    for page in [*root.glob("*.md"), *(root / "examples").rglob("*.md"), *DOCS.rglob("*.md")]:
        text = page.read_text()
        assert not re.search(r"(?<![\w.])/(work|home|root)/", text), page.name
        for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
