"""Results that do not depend on how many threads there are.

Sums taken in one order are the same everywhere: linear algebra and OpenMP loops run on one thread,
and what is worth several runs as several pieces of work side by side, each on one thread.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from clustering_pipeline.model.progress import Check

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


class _WholeProcess:
    """The limit of linear algebra, which threads share: it stays until the last of them leaves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before: list[Any] = []

    def enter(self, blas: Any) -> None:
        """Have one thread for the libraries of the controller ``blas``."""
        with self._lock:
            self._inside += 1
            if any(library["num_threads"] != 1 for library in blas.info()):
                self._before.append(blas.limit(limits=1))

    def leave(self) -> None:
        """Give back what there was, unless another thread is still inside."""
        with self._lock:
            self._inside -= 1
            while self._before and not self._inside:
                self._before.pop().restore_original_limits()
            _let_others_set_limits()


_LINEAR_ALGEBRA = _WholeProcess()


@contextmanager
def one_thread() -> Generator[None]:
    """Linear algebra and OpenMP loops on one thread, so that sums are taken in one order.

    Several threads may be inside at once, and leave in any order.
    """
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - inspects every loaded library

    libraries = ThreadpoolController()
    _LINEAR_ALGEBRA.enter(libraries.select(user_api="blas"))
    try:
        with libraries.select(user_api="openmp").limit(limits=1):
            yield
    finally:
        _LINEAR_ALGEBRA.leave()


def _let_others_set_limits() -> None:
    """The thread that set one keeps the right to, in releases of threadpoolctl that know of it."""
    from threadpoolctl import OpenBLASController  # noqa: PLC0415 - see above

    release = getattr(OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release()


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
