"""Results that do not depend on how many threads there are."""

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Generator[None]:
    """Linear algebra and OpenMP loops on one thread, so that sums are taken in one order."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - inspects every loaded library

    with threadpool_limits(limits=1):
        yield
