"""A few calls in flight at a time, answers in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

READS = 2
"""Calls that read at a time, unless a caller knows better."""
Item = TypeVar("Item")
Answer = TypeVar("Answer")
_END = object()


def in_order(
    call: Callable[[Item], Answer], items: Iterable[Item], *, in_flight: int
) -> Generator[Answer]:
    """``map`` with up to ``in_flight`` calls ahead of the consumer, in threads.

    The first call that raises ends it; those already sent are waited for.  Close it when
    leaving early.
    """
    with ThreadPoolExecutor(in_flight) as pool:
        pending: deque[Future[Answer]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(call, item))
                if len(pending) > in_flight:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def ahead(items: Iterator[Item]) -> Generator[Item]:
    """The same items, each fetched in a thread while the one before is worked on.

    Close it when leaving early.
    """
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = pool.submit(next, items, _END)
            yield item  # ty: ignore[invalid-yield]
