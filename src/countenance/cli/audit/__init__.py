"""`countenance audit`: measure any face system or risk score by group, sign what was found, explain what it means."""

from __future__ import annotations

import click

from countenance.cli.audit.audits import diff, plan, report, run, verify
from countenance.cli.audit.evidence import evidence
from countenance.cli.audit.questions import advise, explain_search, planner
from countenance.cli.audit.studies import compas, gender_shades, own_evidence

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Measure any face system or risk score by group, with a plan made before and a signature after."""


for _command in (
    plan, run, verify, report, diff, evidence, planner, advise, explain_search, compas, gender_shades, own_evidence,
):  # fmt: skip
    audit.add_command(_command)
