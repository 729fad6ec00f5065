import pytest

from countenance.gallery.search.threads import ThreadPool


def test_a_thread_pool_does_every_task_once_and_passes_errors_on():
    pool, done = ThreadPool(3), []
    pool.each(done.append, 100)
    assert sorted(done) == list(range(100))

    def fail(task):
        if task == 7:
            raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        pool.each(fail, 20)
    pool.each(done.append, 0)
    assert len(done) == 100


@pytest.mark.parametrize("threads", [1, 4])
def test_work_ahead_keeps_the_order_and_passes_errors_on(threads):
    pool = ThreadPool(threads)
    assert list(pool.ahead(lambda n: n * n, range(50))) == [n * n for n in range(50)]
    assert list(pool.ahead(lambda n: n, [])) == []

    def fail(n):
        if n == 7:
            raise ValueError("seven")
        return n

    results = pool.ahead(fail, range(20))
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(results)


def test_work_ahead_does_not_run_far_ahead():
    pool, asked = ThreadPool(2), []

    def items():
        for n in range(100):
            asked.append(n)
            yield n

    results = pool.ahead(lambda n: n, items())
    next(results)
    assert len(asked) <= 4
    results.close()
