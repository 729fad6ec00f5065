"""`countenance demo`: the main job on real faces, through plain boto3, in a folder of its own."""

from __future__ import annotations

import click


@click.command("demo", help="The main job on real faces: enrol, search, deny, verify.")
def demo() -> None:
    """Fetch, enrol, search, be denied, verify, draw."""
    from countenance.demo.main_job import run

    run()
