"""`countenance serve`: the server, until it is interrupted."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click
import uvicorn

from countenance.cli.installation import installation
from countenance.operations import evidence_summary

_CONNECTIONS_PER_REQUEST = 4
"""Connections that uvicorn keeps open per request being handled: enough that idle ones do not block others."""


@click.command("serve", help="Serve both HTTP dialects until interrupted.")
def serve() -> None:
    """Load and verify everything, say how to reach it, then serve."""
    began = time.monotonic()
    with installation() as app:
        app.prepare_to_serve()
        application = app.asgi()
        settings = app.settings
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
            limit_concurrency=_CONNECTIONS_PER_REQUEST * settings.queue,
        )
