"""The one rule of threads: pieces of work side by side, each on one of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numba
import pytest
from threadpoolctl import threadpool_info

from clustering_pipeline.engine.runtime.threads import (
    cores,
    in_parallel,
    one_numba_thread,
    one_thread,
)
from clustering_pipeline.engine.vectors import never


def threads_of_libraries(*kinds: str) -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] in kinds}


def test_libraries_have_one_thread_and_then_what_they_had() -> None:
    before = threads_of_libraries("blas", "openmp")
    with one_thread():
        assert threads_of_libraries("blas", "openmp") == {1}
    assert threads_of_libraries("blas", "openmp") == before


@pytest.fixture
def others() -> Iterator[tuple[ThreadPoolExecutor, ThreadPoolExecutor]]:
    """Two threads that are asked one thing after the other."""
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        yield first, second


@pytest.mark.parametrize("leaving", [(0, 1), (1, 0)], ids=["in-order", "in-reverse"])
def test_linear_algebra_has_one_thread_until_the_last_is_out(others, leaving) -> None:
    before = threads_of_libraries("blas")
    inside = [one_thread(), one_thread()]
    for other, one in zip(others, inside, strict=True):
        other.submit(one.__enter__).result()
    first, last = leaving
    others[first].submit(inside[first].__exit__, None, None, None).result()
    assert threads_of_libraries("blas") == {1}
    others[last].submit(inside[last].__exit__, None, None, None).result()
    assert threads_of_libraries("blas") == before


def test_linear_algebra_side_by_side_has_one_thread_each() -> None:
    (found,) = in_parallel(lambda _: threads_of_libraries("blas"), [1], never)
    assert found == {1}


def test_numba_has_one_thread_and_then_what_it_had() -> None:
    before = numba.get_num_threads()
    with one_numba_thread(numba):
        assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == before


def test_there_is_a_core() -> None:
    assert cores() >= 1


def test_parallel_work_comes_back_in_order():
    assert list(in_parallel(lambda item: item**2, range(20), never)) == [n**2 for n in range(20)]


def test_parallel_work_not_begun_is_dropped_when_the_check_fails():
    asked, done = Event(), []

    def work(item):
        if item:
            asked.wait()
        done.append(item)

    def stop():
        asked.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(in_parallel(work, range(5_000), stop))
    assert len(done) < 5_000
