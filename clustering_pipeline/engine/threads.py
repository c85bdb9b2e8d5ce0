"""Results that do not depend on how many threads there are.

Sums taken in one order are the same everywhere: linear algebra and OpenMP loops run on one thread,
and what is worth several runs as several pieces of work side by side, each on one thread.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from clustering_pipeline.engine.vectors import Check

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def one_thread() -> Generator[None]:
    """Linear algebra and OpenMP loops on one thread, so that sums are taken in one order."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - inspects every loaded library

    with threadpool_limits(limits=1):
        yield


@contextmanager
def one_numba_thread(numba: Any) -> Generator[None]:
    """The same for a library whose loops numba compiles."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


class Spread:
    """Pieces of work side by side on all cores, each with one thread for its linear algebra.

    What runs in OpenMP loops has to take ``one_thread`` itself, which there holds for the thread
    that takes it.
    """

    def __init__(self) -> None:
        self.workers = ThreadPoolExecutor(cores())

    def __call__(
        self, work: Callable[[Item], Outcome], items: Sequence[Item], check: Check
    ) -> Iterator[Outcome]:
        """``work`` of every item, in order, with ``check`` called after each."""
        done = self.workers.map(work, items) if len(items) > 1 else map(work, items)
        for outcome in done:
            check()
            yield outcome


@contextmanager
def spread() -> Generator[Spread]:
    """Workers for many rounds of work; those that have not begun are dropped at the end."""
    with one_thread():
        several = Spread()
        try:
            yield several
        finally:
            several.workers.shutdown(wait=True, cancel_futures=True)


def in_parallel(
    work: Callable[[Item], Outcome], items: Sequence[Item], check: Check
) -> Iterator[Outcome]:
    """One round of it."""
    with spread() as several:
        yield from several(work, items, check)
