"""`countenance audit`: measure any face system or risk score by group, sign what was found, explain what it means."""

from __future__ import annotations

import click

from countenance.cli.lazy import LazyCommand, LazyGroup

__all__ = ["audit"]

_HERE = "countenance.cli.audit"
_PLACES = {
    "check": LazyCommand(f"{_HERE}.checking", "check", "Look a file over before a plan is made of it."),
    "quick": LazyCommand(f"{_HERE}.checking", "quick", "Guess a plan, run it and write the report: exploratory."),
    "plan": LazyCommand(f"{_HERE}.audits", "plan", "Write the plan of an audit and print its hash."),
    "run": LazyCommand(f"{_HERE}.audits", "run", "Carry out a plan and write a signed bundle of counts."),
    "adapter": LazyCommand(f"{_HERE}.adapters", "adapter", "Ask any service that a TOML file describes."),
    "verify": LazyCommand(f"{_HERE}.audits", "verify", "Check a bundle off line."),
    "report": LazyCommand(f"{_HERE}.audits", "report", "Write the pages of a bundle."),
    "diff": LazyCommand(f"{_HERE}.audits", "diff", "Compare two bundles cell by cell."),
    "evidence": LazyCommand(f"{_HERE}.evidence", "evidence", "Vouch for an audit, and check who did."),
    "pad-evidence": LazyCommand(
        f"{_HERE}.pad_evidence", "pad_evidence", "Vouch for an audit of presentation attack detection."
    ),
    "planner": LazyCommand(f"{_HERE}.questions", "planner", "How many people an audit needs, or what some can show."),
    "advise": LazyCommand(f"{_HERE}.questions", "advise", "The threshold that holds for the group served worst."),
    "explain-search": LazyCommand(
        f"{_HERE}.questions", "explain_search", "What one search result means, in plain words."
    ),
    "compas": LazyCommand(f"{_HERE}.studies", "compas", "Carry out ProPublica's study of COMPAS again."),
    "gender-shades": LazyCommand(f"{_HERE}.studies", "gender_shades", "Compute Gender Shades' twelve cells again."),
    "own-evidence": LazyCommand(f"{_HERE}.studies", "own_evidence", "Make the project's own evidence for its model."),
}


@click.group(cls=LazyGroup, places=_PLACES)
def audit() -> None:
    """Measure any face system or risk score by group, with a plan made before and a signature after."""
