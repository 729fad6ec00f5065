"""`countenance serve`: the server, until it is interrupted."""

from __future__ import annotations

import math
import resource
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from countenance.errors import Misconfigured
from countenance.logs import write_log
from countenance.settings import DETECTION_ONLY, PROFILES, Settings, home_sentence, keep_kernels, load, use_profile

if TYPE_CHECKING:
    from countenance.api.listening import Listening
    from countenance.app import Countenance

_TO_ANSWER_S = 0.5
"""What is stopped for want of time still has so long to say so."""


@click.command("serve", help="Serve the HTTP dialects and the console until interrupted.")
@click.option("--despite", metavar="REASON", help="Start although the database differs from the ledger; on record.")
@click.option(
    "--profile",
    type=click.Choice([*PROFILES]),
    help="What is set up, in place of COUNTENANCE_PROFILE. detection-only: no embedder is loaded, nobody can be "
    "enrolled, searched for or compared.",
)
def serve(despite: str | None, profile: str | None) -> None:
    """Fetch what is missing, load and verify everything, say how to reach it, then serve."""
    began = time.monotonic()
    if profile is not None:
        use_profile(profile)
    own = load()
    click.echo(f"Countenance starts; {home_sentence(own.home)}")
    _demand_free(own.host, own.port)
    write_log(own.log)
    keep_kernels(own)
    _fetch_missing(own)
    click.echo("loading   models, rules and galleries: some seconds")
    from countenance import console  # here and below: what takes seconds to import is announced first
    from countenance.api.listening import listen
    from countenance.cli.installation import installation

    with installation(reads=True) as app:
        app.check_writable()
        app.check_state(despite)
        app.prepare_to_serve()
        application = app.asgi()
        settings = app.settings
        connections = _connections(settings.connections)
        click.echo(f"Countenance is ready after {time.monotonic() - began:.1f} s; data in {settings.home}")
        click.echo(f"endpoint  {settings.endpoint}  (signed for {', '.join(settings.regions) or 'any region'})")
        click.echo(f"model     {app.tools.engine.version}, rule packs: {', '.join(settings.packs)}")
        click.echo(f"console   {settings.endpoint}{console.PREFIX}")
        if code := app.accounts.first_code():
            click.echo("first     nobody is an operator yet; this link, used once, lets the first one in:")
            click.echo(f"          {settings.endpoint}{console.PREFIX}/first?code={code}")
        _say_what_is_possible(app)
        listen(
            application,
            _listening(settings, connections),
            lambda: app.stopping.begin(settings.stop_seconds - _TO_ANSWER_S),
        )
    click.echo("Countenance has stopped: the ledger is closed")


def _demand_free(host: str, port: int) -> None:
    """`Misconfigured` where nobody could listen there, before seconds go into loading."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
                trial.bind(address)
    except OSError as error:
        raise Misconfigured(
            f"nobody can listen on {host} port {port}: {(error.strerror or str(error)).lower()}. End what listens "
            "there, or name another place with COUNTENANCE_HOST and COUNTENANCE_PORT"
        ) from error


def _listening(settings: Settings, connections: int) -> Listening:
    from countenance.api.connections import ConnectionLimits
    from countenance.api.forwarded import Proxies
    from countenance.api.listening import Listening, TlsFiles

    certificate, key = settings.tls_certificate, settings.tls_key
    return Listening(
        settings.host,
        settings.port,
        ConnectionLimits(
            connections=connections,
            per_address=max(1, settings.connections_per_address * connections // settings.connections),
        ),
        settings.stop_seconds,
        TlsFiles(certificate, key) if certificate and key else None,
        Proxies.of(settings.proxies),
    )


def _say_what_is_possible(app: Countenance) -> None:
    from countenance.operations import evidence_summary

    if app.detects_only:
        click.echo("profile   detection-only: faces are found and covered; nobody can be recognised")
        click.echo("a key     countenance mandate grant --holder NAME --purpose redaction --legal-basis consent \\")
        click.echo("              --operation detect --operation redact --expires 30d")
        return
    evidence = evidence_summary(app.tools.evidence, app.model, app.tools.calibration.identity, datetime.now(UTC))
    click.echo(f"evidence  {evidence}")
    click.echo("a key     countenance mandate grant --holder NAME --purpose photo_library --legal-basis consent \\")
    click.echo("              --provenance consented --gallery 'NAME*' --operation '*' --expires 30d")


def _fetch_missing(own: Settings) -> None:
    """Fetch by hash the weights in use that are not there. One that was altered is left for the engine to refuse."""
    from countenance.engine.manifest import load_manifests
    from countenance.engine.weights import fetch, state
    from countenance.home import private_home

    manifests = load_manifests(own.models_dir)
    used = [
        manifests[name]
        for name in ([own.detector] if own.profile == DETECTION_ONLY else [own.detector, own.model])
        if name in manifests
    ]
    missing = [each for each in used if state(each, own.models_cache) == "missing"]
    if not missing:
        return
    click.echo(f"fetching  {', '.join(each.label for each in missing)} by hash into {own.models_cache}")
    private_home(own.home)
    fetch(missing, own.models_cache)


def _connections(wanted: int) -> int:
    """How many of the `wanted` connections the system lets this process hold; its limit of open files is raised.

    `Misconfigured` where it allows too few for any.
    """
    from countenance.api.connections import connections_within, files_for

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most, needed = (math.inf if hard == resource.RLIM_INFINITY else hard), files_for(wanted)
    possible = connections_within(most, wanted)
    if not possible:
        raise Misconfigured(f"{needed} open files are wanted and the system allows {hard}: raise `ulimit -Hn`")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(min(needed, most)), hard))
    if possible < wanted:
        click.echo(
            f"files     the system allows {hard}, so {possible} connections are held at once and not {wanted}: raise "
            f"`ulimit -Hn` to {needed}, or lower COUNTENANCE_CONNECTIONS"
        )
    return possible
