"""The command `countenance`: one file per command group, and one line for every error."""

from __future__ import annotations

import sys

import click

from countenance.cli.lazy import LazyCommand, LazyGroup
from countenance.errors import CountenanceError

_COMMANDS = {
    "demo": "The main job on real faces: enrol, search, deny, verify.",
    "serve": "Serve all HTTP dialects until interrupted.",
    "enrol": "A folder of pictures into a gallery, behind a mandate; go on after an interrupt.",
    "migrate": "Galleries from Amazon Rekognition or Azure Face, with your pictures; compare both services.",
    "video": "Faces of recorded video, people followed through it, and whom of a gallery they are like.",
    "redact": "Faces of pictures and video covered beyond recovery, with a report.",
    "operator": "People who ask for, approve, review and audit over HTTP.",
    "mandate": "Who may use faces, for what, on which legal basis, until when.",
    "refusals": "What was refused, by mandate and clause.",
    "clients": "Where programs on this machine would send faces: here, or to AWS.",
    "cluster": "The shards of the galleries among the nodes of a Ray cluster.",
    "custody": "Results that wait for people, terms that end, reports that laws want.",
    "liveness": "Outside checks of liveness, whose signed results are taken over.",
    "moratorium": "Stop uses with one key; only a quorum with an outside key goes on.",
    "models": "List, fetch and verify the models.",
    "ledger": "Show, verify, prove and export the record.",
    "doctor": "What is wrong with this installation, and what to do.",
    "backup": "The installation into one sealed file, while it serves.",
    "database": "From a SQLite file to PostgreSQL, verified.",
    "restore": "A backup into a folder without an installation, verified.",
    "policy": "Explain, compare and test the rules.",
    "audit": "Measure any face system by group.",
    "calibrate": "Fit similarity to false match rates.",
}

_CLIENTS = ("boto3", "azure")
"""Packages of the extra `clients`. Commands that call other services import them when they run."""


@click.command(
    cls=LazyGroup,
    places={word: LazyCommand(f"countenance.cli.{word}", word, summary) for word, summary in _COMMANDS.items()},
    context_settings={"max_content_width": 120},
    help="A self-hosted face recognition server that can be held to account, and an auditor for any face system.",
)
@click.version_option(package_name="countenance")
@click.option("--home", help="The data folder, in place of COUNTENANCE_HOME.")
def cli(home: str | None) -> None:
    """The root of all commands."""
    if home is not None:
        from countenance.settings import use_home

        use_home(home)


class _WithoutPandas:
    """Only Ray's data jobs use pandas, but pyarrow imports it wherever it is installed: a second of every command."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Nothing, and an error where pandas is asked for without Ray, as if it were not installed."""
        if name == "pandas" and "ray" not in sys.modules:
            raise ModuleNotFoundError("countenance does without pandas", name=name)


def main() -> None:
    """Run a command. A `CountenanceError` becomes one line on stderr and exit code 1."""
    sys.meta_path.insert(0, _WithoutPandas())
    try:
        cli()
    except CountenanceError as error:
        click.echo(f"countenance: {error}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] not in _CLIENTS:
            raise
        click.echo(f"countenance: {error.name} is not installed; install countenance[clients]", err=True)
        sys.exit(1)
