"""What a cluster is asked to be, and whether it may be used."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from countenance.cluster.shard import Part
from countenance.errors import Misconfigured
from countenance.gallery import FaceShare

PROTOCOL = 1
"""Goes up with every change of what is sent to shards; shards of another one are others, with other names."""

_PROCESS = 550 * 2**20  # bytes of a shard without faces: Python, Ray, numpy, numba while it compiles kernels
_HELD = 1000  # bytes for each face of its own: 735 for a row of 128 numbers with its codes, and room to grow
_BOUND = 60  # bytes for each face of all: what the ledger says of it, and room to compare all of them
_TLS_FILES = ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT")

PartOpener: TypeAlias = Callable[[FaceShare], Part]
"""Opens the installation on the node where it is called, by that node's own settings. A function of a module."""


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """address: of Ray's head, host:port. identity: of the installation; shards of another one answer nothing.

    memory: bytes that Ray sets aside for each shard. within_s: how long a search may wait for all shards.
    """

    address: str
    identity: str
    shards: int
    replicas: int
    memory: int
    open_part: PartOpener
    within_s: float = 10.0

    @property
    def namespace(self) -> str:
        """Where in Ray the names of the shards live."""
        return f"countenance-{self.identity[:16]}"

    def name(self, shard: int, replica: int) -> str:
        """The name of a shard's replica."""
        return f"v{PROTOCOL}-shard-{shard}-of-{self.shards}-replica-{replica}"


def memory_for(faces: int, shards: int) -> int:
    """Bytes to set aside for one of so many shards of a database with that many faces, templates of 128 numbers."""
    return _PROCESS + _HELD * -(-faces // shards) + _BOUND * faces


def check_cluster(address: str, environment: Mapping[str, str], *, plain: bool) -> str | None:
    """`Misconfigured` where the cluster must not be used: templates and answers travel between its nodes.

    Beyond this machine Ray must speak TLS, which proves both sides, and demand a token: whoever reaches a node's ports
    without runs programs there. environment: the variables RAY_*. plain: whether the operator said that it may be used
    all the same; then the answer says what is missing, for the record. None: nothing is.
    """
    if find_spec("ray") is None:
        raise Misconfigured("a cluster needs the extra: pip install 'countenance[cluster]'")
    if _is_here(address):
        return None
    missing = _missing(environment)
    if missing is None or plain:
        return missing
    raise Misconfigured(
        f"Ray at {address} is not on this machine, and {missing}: see docs/cluster.md, or say why it may be used all "
        "the same in COUNTENANCE_CLUSTER_PLAIN, which goes on record"
    )


def _is_here(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _missing(environment: Mapping[str, str]) -> str | None:
    if environment.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
        return "RAY_USE_TLS is not 1, so templates would travel in the clear"
    for name in _TLS_FILES:
        if not environment.get(name) or not Path(environment[name]).is_file():
            return f"{name} names no file"
    if environment.get("RAY_AUTH_MODE") != "token":
        return "RAY_AUTH_MODE is not token, so nobody has to show one"
    return None
