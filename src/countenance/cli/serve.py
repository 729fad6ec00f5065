"""`countenance serve`: the server, until it is interrupted."""

from __future__ import annotations

import logging
import resource
import threading
import time
from datetime import UTC, datetime

import click
import uvicorn
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from countenance.api.connections import ConnectionLimits, bounded
from countenance.app import Countenance
from countenance.cli.opening import opened
from countenance.errors import CountenanceError, Misconfigured
from countenance.faces import ModelId
from countenance.gallery import Gallery
from countenance.operations import standing

_OTHER_FILES = 512
"""Files that a server has open beside its connections, at most: the database, models, pictures in buckets."""


@click.command("serve", help="Serve both HTTP dialects until interrupted.")
def serve() -> None:
    """Load and verify everything, say how to reach it, then serve."""
    began = time.monotonic()
    with opened() as app:
        threadpool_limits(1, user_api="blas")  # requests run side by side, and waiting BLAS threads would spin
        threading.Thread(target=_read_galleries, args=(app.gallery, app.model), daemon=True).start()
        application = app.asgi()
        settings = app.settings
        _allow_files(settings.connections + _OTHER_FILES)
        click.echo(f"Countenance is ready after {time.monotonic() - began:.1f} s; data in {settings.home}")
        click.echo(f"endpoint  http://{settings.host}:{settings.port}  (region {settings.region})")
        click.echo(f"model     {app.tools.engine.version}, rule packs: {', '.join(settings.packs)}")
        known = standing(app.tools.evidence, app.model, app.tools.calibration.identity, datetime.now(UTC))
        click.echo(f"evidence  {known}")
        click.echo("a key     countenance mandate grant --holder NAME --purpose photo_library --legal-basis consent \\")
        click.echo("              --provenance consented --gallery 'NAME*' --operation '*' --expires 30d")
        threading.Thread(target=_keep_terms, args=(app,), daemon=True).start()
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


def _read_galleries(gallery: Gallery, model: ModelId) -> None:
    """Have every gallery's rows ready before its first search; after a failure that search makes them.

    Begun before the models are loaded, since that leaves a core free.
    """
    try:
        gallery.read_all(model)
    except CountenanceError as error:
        logging.getLogger("countenance").error("galleries could not be read ahead: %s", error)


def _keep_terms(app: Countenance) -> None:
    """Every minute, erase the faces whose term has ended; a failure is logged and tried again."""
    while True:
        try:
            app.custodian.sweep()
        except CountenanceError as error:
            logging.getLogger("countenance").error("faces past their term could not be erased: %s", error)
        time.sleep(60)
