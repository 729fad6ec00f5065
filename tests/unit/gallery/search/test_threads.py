from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from countenance.gallery.search.threads import ThreadPool


def test_a_thread_pool_does_every_task_once_and_passes_errors_on() -> None:
    pool, done = ThreadPool(3), list[int]()
    pool.each(done.append, 100)
    assert sorted(done) == list(range(100))

    def fail(task: int) -> None:
        if task == 7:
            raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        pool.each(fail, 20)
    pool.each(done.append, 0)
    assert len(done) == 100


@pytest.mark.parametrize("threads", [1, 4])
def test_work_ahead_keeps_the_order_and_passes_errors_on(threads: int) -> None:
    pool = ThreadPool(threads)
    assert list(pool.ahead(lambda n: n * n, range(50))) == [n * n for n in range(50)]
    assert list(pool.ahead(lambda n: n, [])) == []

    def fail(n: int) -> int:
        if n == 7:
            raise ValueError("seven")
        return n

    results = pool.ahead(fail, range(20))
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(results)


def test_work_ahead_does_not_run_far_ahead() -> None:
    pool, asked = ThreadPool(2), list[int]()

    def items() -> Iterator[int]:
        for n in range(100):
            asked.append(n)
            yield n

    results = pool.ahead(lambda n: n, items())
    next(results)
    assert len(asked) <= 4
    assert isinstance(results, Generator)
    results.close()
