"""Many independent pieces of work, done by processes of the cluster: as a Ray Data job, or as tasks on large pieces."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from countenance.cluster.plan import ClusterPlan

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # large pieces for each process that lie in Ray's object store at once


class _Worker:
    """A process of the cluster. opening: makes what does one piece, once."""

    def __init__(self, opening: Callable[[], Callable[[Any], Any]], at_once: int) -> None:
        self._work = opening()
        self._threads = ThreadPoolExecutor(at_once)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Those of a batch, side by side."""
        items = [pickle.loads(each) for each in batch["item"]]  # noqa: S301  # what `spread` wrote
        done = self._threads.map(self._work, items)
        return {"place": batch["place"], "result": [pickle.dumps(each) for each in done]}


def spread(
    plan: ClusterPlan,
    opening: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    workers: int,
    at_once: int = 8,
) -> Iterator[tuple[int, Result]]:
    """The place of each item and what became of it, as they are done, by so many processes of one core each.

    opening: a function, or a picklable object, that makes what does one piece in such a process. at_once: pieces that
    a process has in hand, so that they share inference batches and disk syncs. Where one dies, Ray has its pieces done
    again by another, so a piece has to do no harm when it is done twice.
    """
    import ray

    from countenance.cluster.actors import joined

    with joined(plan):
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"place": place, "item": pickle.dumps(item)} for place, item in enumerate(items)]
        blocks = min(len(rows), max(4 * workers, len(rows) // at_once**2))
        done = ray.data.from_items(rows, override_num_blocks=max(1, blocks)).map_batches(
            _Worker,
            fn_constructor_args=(opening, at_once),
            batch_size=at_once,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
        )
        for row in done.iter_rows():
            yield int(row["place"]), pickle.loads(row["result"])  # noqa: S301  # what `_Worker` wrote


def spread_large(
    plan: ClusterPlan, work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """What `work` made of each item, as they are done, by so many processes of one core each.

    For items that are large and made as they are needed: only a few exist at a time, in Ray's object store. Ray does
    those of a process that dies again.
    """
    import ray

    from countenance.cluster.actors import joined

    with joined(plan):

        def piece(item: Item) -> Result:  # Ray takes a function, and nothing else that can be called
            return work(item)

        task: Any = ray.remote(num_cpus=1)(piece)
        coming, running = iter(items), list[Any]()
        while True:
            running += [task.remote(item) for item in islice(coming, _AHEAD * workers - len(running))]
            if not running:
                return
            done, running = ray.wait(running)
            yield from ray.get(done)
