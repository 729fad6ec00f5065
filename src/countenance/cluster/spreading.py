"""Many independent pieces of work, done by processes of the cluster as one Ray Data job."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from countenance.cluster.plan import ClusterPlan

Item = TypeVar("Item")
Result = TypeVar("Result")

_AT_ONCE = 8  # pieces that a process has in hand, so that they share inference batches and disk syncs


class _Worker:
    """A process of the cluster. opening: makes what does one piece, once."""

    def __init__(self, opening: Callable[[], Callable[[Any], Any]]) -> None:
        self._work = opening()
        self._threads = ThreadPoolExecutor(_AT_ONCE)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Those of a batch, side by side."""
        items = [pickle.loads(each) for each in batch["item"]]  # noqa: S301  # what `spread` wrote
        done = self._threads.map(self._work, items)
        return {"place": batch["place"], "result": [pickle.dumps(each) for each in done]}


def spread(
    plan: ClusterPlan, opening: Callable[[], Callable[[Item], Result]], items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result]]:
    """The place of each item and what became of it, as they are done, by so many processes of one core each.

    opening: a function, or a picklable object, that makes what does one piece in such a process. Where one dies, Ray
    has its pieces done again by another, so a piece has to do no harm when it is done twice.
    """
    import ray

    from countenance.cluster.actors import connect

    connect(plan)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"place": place, "item": pickle.dumps(item)} for place, item in enumerate(items)]
        blocks = min(len(rows), max(4 * workers, len(rows) // (8 * _AT_ONCE)))
        done = ray.data.from_items(rows, override_num_blocks=max(1, blocks)).map_batches(
            _Worker,
            fn_constructor_args=(opening,),
            batch_size=_AT_ONCE,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
        )
        for row in done.iter_rows():
            yield int(row["place"]), pickle.loads(row["result"])  # noqa: S301  # what `_Worker` wrote
    finally:
        ray.shutdown()
