"""`countenance policy`: what the rules say, why, since when, and what a change of them would change."""

from __future__ import annotations

import click

from countenance.cli.policy.authoring import check_packs, diff, lint, new
from countenance.cli.policy.matrix import fine_print_matrix
from countenance.cli.policy.packs import packs, show, vocabulary
from countenance.cli.policy.requests import corpus, explain

__all__ = ["policy"]

policy = click.Group("policy", help="Explain, compare, test and write rules.")

for _command in (packs, show, vocabulary, explain, fine_print_matrix, corpus, new, check_packs, lint, diff):
    policy.add_command(_command)
