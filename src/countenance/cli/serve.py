"""`countenance serve`: the server, until it is interrupted."""

from __future__ import annotations

import time

import click
import uvicorn

from countenance.cli.opening import opened


@click.command("serve", help="Serve the Rekognition dialect until interrupted.")
def serve() -> None:
    """Load and verify everything, say how to reach it, then serve."""
    began = time.monotonic()
    with opened() as app:
        application = app.asgi()
        settings = app.settings
        click.echo(f"Countenance is ready after {time.monotonic() - began:.1f} s; data in {settings.home}")
        click.echo(f"endpoint  http://{settings.host}:{settings.port}  (region {settings.region})")
        click.echo(f"model     {app.tools.engine.version}, rule packs: {', '.join(settings.packs)}")
        click.echo("a key     countenance mandate grant --holder NAME --purpose WHY --legal-basis BASIS \\")
        click.echo("              --gallery 'NAME*' --operation '*' --expires 30d")
        uvicorn.run(
            application,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
