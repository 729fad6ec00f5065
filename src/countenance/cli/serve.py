"""`countenance serve`: the server, until it is interrupted."""

from __future__ import annotations

import resource
import time
from datetime import UTC, datetime

import click
import uvicorn

from countenance.api.connections import ConnectionLimits, bounded
from countenance.cli.installation import installation
from countenance.errors import Misconfigured
from countenance.operations import evidence_summary

_OTHER_FILES = 512
"""Files that a server has open beside its connections, at most: the database, models, pictures in buckets."""


@click.command("serve", help="Serve both HTTP dialects until interrupted.")
def serve() -> None:
    """Load and verify everything, say how to reach it, then serve."""
    began = time.monotonic()
    with installation() as app:
        app.prepare_to_serve()
        application = app.asgi()
        settings = app.settings
        _allow_files(settings.connections + _OTHER_FILES)
        click.echo(f"Countenance is ready after {time.monotonic() - began:.1f} s; data in {settings.home}")
        click.echo(f"endpoint  http://{settings.host}:{settings.port}  (region {settings.region})")
        click.echo(f"model     {app.tools.engine.version}, rule packs: {', '.join(settings.packs)}")
        evidence = evidence_summary(app.tools.evidence, app.model, app.tools.calibration.identity, datetime.now(UTC))
        click.echo(f"evidence  {evidence}")
        click.echo("a key     countenance mandate grant --holder NAME --purpose photo_library --legal-basis consent \\")
        click.echo("              --provenance consented --gallery 'NAME*' --operation '*' --expires 30d")
        uvicorn.run(
            application,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            http=bounded(
                ConnectionLimits(connections=settings.connections, per_address=settings.connections_per_address)
            ),
        )


def _allow_files(wanted: int) -> None:
    """Let this process have `wanted` files open; `Misconfigured` where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Misconfigured(
            f"{wanted} open files are needed and the system allows {hard}: raise `ulimit -Hn`, or lower "
            "COUNTENANCE_CONNECTIONS"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
