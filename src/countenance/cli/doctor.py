"""`countenance doctor`: what is wrong with the installation, and what to do."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from countenance import settings
from countenance.errors import Misconfigured


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: healthy, and findings with their remedies.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say what is wrong with this installation and what to do; exits with status 1 where something is.

    Looks at settings, data folder, keys, database, ledger, rows, clock, models, calibration, evidence, rules, the video
    decoder and the disk. A warning alone leaves status 0. Nothing is mended; a server may go on serving.
    """
    from countenance.doctor import Diagnosis, Severity, diagnose, this_machine

    try:
        diagnoses = diagnose(settings.load(), this_machine())
    except Misconfigured as error:
        diagnoses = [Diagnosis("settings", Severity.WRONG, str(error), "docs/settings.md has every setting")]
    healthy = not any(each.health is Severity.WRONG for each in diagnoses)
    if as_json:
        click.echo(json.dumps({"healthy": healthy, "findings": [asdict(each) for each in diagnoses]}, indent=2))
    else:
        for each in diagnoses:
            click.echo(f"{each.health:<8} {each.check:<12} {each.says}")
            if each.remedy:
                click.echo(f"{'':<22}-> {each.remedy}")
    if not healthy:
        context.exit(1)
