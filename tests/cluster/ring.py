"""Several Ray nodes on this machine, an installation on PostgreSQL that uses them, and made-up faces in it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from countenance import settings
from countenance.app import Countenance
from countenance.faces import BoundingBox, DetectedFace, Landmarks, Point, Pose, Quality, Template
from countenance.gallery import Gallery
from countenance.scoring import Calibration

ray = pytest.importorskip("ray", reason="no Ray: install requirements/cluster.txt, as `make cluster` does")
HERE = "127.0.0.1"
NODE = {
    "num_cpus": 1, "memory": 8 * 2**30, "object_store_memory": 80 * 2**20,
    "include_dashboard": False,
}  # fmt: skip
VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled",
    # machines that run tests may be slow
    "RAY_raylet_start_wait_time_s": "180", "RAY_worker_register_timeout_seconds": "300",
    "RAY_gcs_server_request_timeout_seconds": "180", "RAY_health_check_timeout_ms": "60000",
    "RAY_gcs_rpc_server_connect_timeout_s": "60",
}  # fmt: skip
PER_PICTURE = 200
SLOW_S = 300
DIMENSION = 128
SHARES = (0.0, 0.5, 1.0, 0.0)
"""How much of made-up faces is cut off, in turn."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HERE, 0))
        return int(listening.getsockname()[1])


class Patience:
    """A limit of time that counts as much of it as one of the processes that want a core gets.

    A machine that others load is slow, which is no fault of what is tested; on an idle one these are seconds.
    """

    def __init__(self, within_s: float = SLOW_S) -> None:
        self._left, self._at = within_s, time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is over; asked often."""
        now = time.monotonic()
        self._left -= (now - self._at) / max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        self._at = now
        return self._left < 0


@dataclass
class Ring:
    """Ray nodes; the head always at the same port. workers: those that can be removed."""

    port: int = field(default_factory=free_port)
    cluster: Any = None
    workers: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{HERE}:{self.port}"

    def start(self, workers: int) -> None:
        from ray._private import services
        from ray.cluster_utils import Cluster

        services.get_node = _patient(services.get_node)  # Ray's own 30 s are not for busy machines
        _say_ports_at_once()
        self.cluster = Cluster()
        self.cluster.add_node(wait=False, **_node(), gcs_server_port=self.port)
        self.workers = [self.add() for _ in range(workers)]

    def add(self) -> Any:
        node = self.cluster.add_node(wait=False, **_node())
        patience = Patience()
        while True:
            try:
                self.cluster.wait_for_nodes(10)
            except TimeoutError:
                if patience.over:
                    raise
            else:
                return node

    def remove(self, worker: Any) -> None:
        """As a power cut."""
        self.workers.remove(worker)
        self.cluster.remove_node(worker, allow_graceful=False)

    def kill(self) -> None:
        """All of it, the head first."""
        self.cluster.head_node.kill_gcs_server()
        self.cluster.shutdown()
        self.workers = []


def _node() -> dict[str, Any]:
    return {**NODE, "runtime_env_agent_port": free_port()}


def _say_ports_at_once() -> None:
    """Write which ports a node's helpers have before they do: a node waits 15 s for that, and then dies."""
    from ray._private.node import Node

    names: Any = import_module("ray._raylet")

    if hasattr(Node, "slow_start"):
        return
    Node.slow_start = Node.start_raylet

    def start(node: Any, *given: Any, **named: Any) -> Any:
        ports = {
            names.METRICS_AGENT_PORT_NAME: -1, names.METRICS_EXPORT_PORT_NAME: -1,
            names.DASHBOARD_AGENT_LISTEN_PORT_NAME: -1,
            names.RUNTIME_ENV_AGENT_PORT_NAME: node._ray_params.runtime_env_agent_port,
        }  # fmt: skip
        for name, port in ports.items():
            names.persist_port(node._session_dir, node._node_id, name, port)
        return node.slow_start(*given, **named)

    Node.start_raylet = start


def _patient(asked: Any) -> Any:
    def ask(*given: Any, **named: Any) -> Any:
        patience = Patience()
        while True:
            try:
                return asked(*given, **named)
            except RuntimeError:
                if patience.over:
                    raise
                time.sleep(0.5)

    return ask


@contextmanager
def environment(home: Path, database: str, address: str, **more: str) -> Iterator[Mapping[str, str]]:
    """The variables of this process, and of the nodes that it starts meanwhile."""
    ours = {
        **VARIABLES, "COUNTENANCE_HOME": str(home), "COUNTENANCE_DATABASE": database, "COUNTENANCE_CLUSTER": address,
        "COUNTENANCE_THREADS": "1", **more,
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in [*ours, "COUNTENANCE_DATA"]}
    os.environ.update(ours)
    os.environ.pop("COUNTENANCE_DATA", None)
    try:
        yield ours
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def opened() -> Countenance:
    return Countenance.open(settings.load())


def alone(app: Countenance) -> Gallery:
    """The same galleries, searched in this process."""
    return Gallery(app.database, app.normaliser, _never, _never, threads=1, recorder=app.bindings)


def _never() -> Any:
    raise AssertionError("it is only searched")


def templates(app: Countenance, seed: int, count: int, shared: int = 40) -> list[Template]:
    """Half of them of a few shared ones, so that many score the same."""
    chance = np.random.default_rng(seed)
    same = np.random.default_rng(1).normal(size=(shared, DIMENSION))
    rows = chance.normal(size=(count, DIMENSION))
    rows[1::2] = same[chance.integers(0, shared, size=len(rows[1::2]))]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return [Template(row, app.model, share) for row, share in zip(rows, cycle(SHARES))]


def probes(app: Countenance, seed: int, count: int, shared: int = 40) -> list[Template]:
    """Near those that are shared; some are cut off."""
    chance = np.random.default_rng(seed)
    same = np.random.default_rng(1).normal(size=(shared, DIMENSION))
    rows = same[chance.integers(0, shared, size=count)] + 0.4 * chance.normal(size=(count, DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return [Template(row, app.model, share) for row, share in zip(rows, cycle(SHARES))]


def enrol(app: Countenance, gallery: Gallery, gallery_id: str, seed: int, count: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, count, PER_PICTURE):
        some = templates(app, seed + start, min(PER_PICTURE, count - start))
        faces = [(_face(i, len(some)), each) for i, each in enumerate(some)]
        ids += [face.face_id for face in gallery.enrol(gallery_id, f"{seed} {start}", None, faces)]
    return ids


def _face(place: int, of: int) -> DetectedFace:
    point = Point(0.5, 0.5)
    return DetectedFace(
        box=BoundingBox(place / of, 0.1, 0.5 / of, 0.05),
        landmarks=Landmarks(point, point, point, point, point),
        pose=Pose(0, 0, 0),
        quality=Quality(50, 50, 100),
        confidence=99.0,
    )


def calibration(app: Countenance) -> Calibration:
    return Calibration.load(app.model, app.normaliser.identity, app.settings.calibration / "calibrations")
