"""The shards' actors in Ray: made where they are not there, found by name, restarted one after the other."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from countenance.cluster.plan import ClusterPlan
from countenance.cluster.shard import Shard
from countenance.cluster.speaking import only_this_thread
from countenance.errors import Misconfigured
from countenance.gallery import FaceShare

_THREADS = 16  # searches that a shard has in hand at once
_ASK_S = 5.0  # for an answer about its state
_GONE_S = 60.0  # until the name of an actor that was ended is free


class Actors:
    """The actors of a plan, for a process that has `joined` its cluster."""

    def __init__(self, plan: ClusterPlan) -> None:
        self._plan = plan
        self._handles: dict[tuple[int, int], Any] = {}
        self._looking = ThreadPoolExecutor(4, thread_name_prefix="actors")

    def make_all(self) -> None:
        """Have Ray make every actor that is not there; it places them when a node has the memory."""
        for shard, replica in self.places():
            self._handles[shard, replica] = self._make(shard, replica)

    def places(self) -> Iterator[tuple[int, int]]:
        """Every shard and replica, all shards of one replica first."""
        for replica in range(self._plan.replicas):
            for shard in range(self._plan.shards):
                yield shard, replica

    def known(self, shard: int, replica: int) -> Any | None:
        """The actor's handle, if there is one; nobody is asked."""
        return self._handles.get((shard, replica))

    async def get(self, shard: int, replica: int) -> Any:
        """The actor's handle; found by name, or made anew, where the one so far was lost."""
        handle = self._handles.get((shard, replica))
        if handle is None:
            loop = asyncio.get_running_loop()
            handle = await loop.run_in_executor(self._looking, self._make, shard, replica)
            self._handles[shard, replica] = handle
        return handle

    def lost(self, shard: int, replica: int) -> None:
        """The handle is of no use any more."""
        self._handles.pop((shard, replica), None)

    def states(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """What every replica says of itself; `fault` says so of one that does not answer."""
        for shard, replica in self.places():
            try:
                state = ray.get(ray.get_actor(self._plan.name(shard, replica)).state.remote(), timeout=_ASK_S)
            except Exception as error:  # Ray's own, of many kinds
                state = {"fault": f"it does not answer ({type(error).__name__})", "loaded": False, "faces": 0}
            yield shard, replica, state

    def restart(self, within_s: float) -> Iterator[tuple[int, int]]:
        """End every replica and make it anew, one at a time: the next when the one before has read all galleries.

        With two or more replicas every shard answers throughout. `Misconfigured`, and the rest stay as they are, where
        one is not ready within `within_s` seconds.
        """
        for shard, replica in self.places():
            self._end(shard, replica)
            self._make(shard, replica)
            self._wait_loaded(shard, replica, within_s)
            yield shard, replica

    def end_all(self) -> None:
        """End every replica; the next search makes them anew."""
        for shard, replica in self.places():
            self._end(shard, replica)

    def _make(self, shard: int, replica: int) -> Any:
        options: dict[str, Any] = {}
        nodes = sorted(
            node["NodeID"]
            for node in ray.nodes()
            if node["Alive"] and node["Resources"].get("memory", 0) >= self._plan.memory
        )
        if nodes:  # the replicas of a shard on different nodes, as long as there are as many
            chosen = nodes[(shard + replica) % len(nodes)]
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(
                chosen, soft=True, _spill_on_unavailable=True
            )
        return (
            ray.remote(Shard)
            .options(
                name=self._plan.name(shard, replica),
                get_if_exists=True,
                lifetime="detached",
                max_restarts=-1,
                max_task_retries=0,
                max_concurrency=_THREADS,
                num_cpus=0,
                memory=self._plan.memory,
                **options,
            )
            .remote(self._plan.open_part, FaceShare(shard, self._plan.shards))
        )

    def _end(self, shard: int, replica: int) -> None:
        name = self._plan.name(shard, replica)
        try:
            ray.kill(ray.get_actor(name), no_restart=True)
        except ValueError:  # there is none
            return
        deadline = time.monotonic() + _GONE_S
        while time.monotonic() < deadline:
            try:
                ray.get_actor(name)
            except ValueError:
                return
            time.sleep(0.1)

    def _wait_loaded(self, shard: int, replica: int, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        fault = "it did not start"
        while time.monotonic() < deadline:
            try:
                state = ray.get(ray.get_actor(self._plan.name(shard, replica)).state.remote(), timeout=_ASK_S)
            except Exception as error:  # Ray's own, of many kinds
                fault = type(error).__name__
            else:
                if state["loaded"]:
                    return
                fault = state["fault"] or "it is still reading"
            time.sleep(0.2)
        raise Misconfigured(f"shard {shard}, replica {replica}, is not ready after {within_s:g} s: {fault}")


@contextmanager
def joined(plan: ClusterPlan) -> Iterator[None]:
    """Part of the cluster through the Ray node of this machine; `Misconfigured` where there is none.

    What Ray says of the cluster goes to standard error: standard output is the command's own.
    """
    with only_this_thread():
        try:
            ray.init(
                address=plan.address,
                namespace=plan.namespace,
                log_to_driver=False,
                configure_logging=False,
                logging_level=logging.ERROR,
            )
        except Exception as error:  # Ray's own, of many kinds
            raise Misconfigured(
                f"Ray at {plan.address} cannot be joined ({type(error).__name__}): see that a Ray node of that cluster "
                "runs on this machine"
            ) from error
        try:
            yield
        finally:
            with redirect_stdout(sys.stderr):  # it says at the end what it has held back
                ray.shutdown()
