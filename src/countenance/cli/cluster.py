"""`countenance cluster`: the shards of the galleries among the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from countenance.cli.installation import installation

if TYPE_CHECKING:
    from countenance.cluster.actors import Actors


@click.group("cluster", help="The shards of the galleries among the nodes of a Ray cluster (COUNTENANCE_CLUSTER).")
def cluster() -> None:
    """Needs the extra `cluster`, and a Ray node of the cluster on this machine."""


@cluster.command("status", help="What every shard says of itself: node, faces, whether it has read all galleries.")
def status() -> None:
    """Exit code 1 where one is not ready."""
    with _actors() as actors:
        ready = True
        for shard, replica, state in actors.states():
            ready &= state["loaded"]
            where = f"{state['node']}, process {state['pid']}" if "node" in state else "nowhere"
            what = state["fault"] or ("ready" if state["loaded"] else "it is still reading")
            click.echo(f"shard {shard}, replica {replica}: {where}, {state['faces']} faces, {what}")
    if not ready:
        raise SystemExit(1)


@cluster.command(
    "restart",
    help="End the shards and make them anew, one at a time, with the memory that the galleries need now. With two or "
    "more replicas every search is answered meanwhile.",
)
@click.option("--within", default=600, show_default=True, help="Seconds that one may take to read all galleries.")
def restart(within: int) -> None:
    """After an upgrade, or when the galleries have grown."""
    with _actors() as actors:
        for shard, replica in actors.restart(within):
            click.echo(f"shard {shard}, replica {replica}: ready")


@cluster.command("stop", help="End all shards: their memory is free. A server's next search makes them anew.")
def stop() -> None:
    """Before shards are split anew, or the cluster is used no more."""
    with _actors() as actors:
        actors.end_all()


@contextmanager
def _actors() -> Iterator[Actors]:
    with installation(reads=True) as app:
        plan = app.cluster_plan
        app.check_cluster()
        from countenance.cluster.actors import Actors, joined

        with joined(plan):
            yield Actors(plan)
