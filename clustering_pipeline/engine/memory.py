"""Refuse a fit that cannot end well, with the numbers and what would fit."""

from pathlib import Path
from typing import Any

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, Job
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.errors import DoesNotFit
from clustering_pipeline.model.parameters import Parameters

SHARE = 0.8  # of what is free; the rest is for what the estimate does not see
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
GROUP_USE = Path("/sys/fs/cgroup/memory.current")


def refuse_what_does_not_fit(
    method: Algorithm[Any], vectors: Vectors, params: Parameters, *, limit: int | None = None
) -> None:
    """Raise ``DoesNotFit`` when fitting ``vectors`` would need more than ``limit`` bytes."""
    limit = int(free_memory() * SHARE) if limit is None else limit
    needed = method.memory(_job(len(vectors), vectors), params)
    if needed <= limit:
        return
    fitting = largest_that_fits(method, vectors, params, limit)
    message = (
        f"{params.method} on {len(vectors):,} documents of {vectors.shape[1]} dimensions needs "
        f"about {_readable(needed)}, and {_readable(limit)} may be used; "
        f"set sample_size to {fitting:,} or less"
    )
    raise DoesNotFit(
        message,
        details={"needed_bytes": needed, "limit_bytes": limit, "sample_size": fitting},
    )


def largest_that_fits(
    method: Algorithm[Any], vectors: Vectors, params: Parameters, limit: int
) -> int:
    """The most documents like ``vectors`` that need no more than ``limit`` bytes, by bisection."""
    low, high = 1, len(vectors)
    while low < high:
        middle = (low + high + 1) // 2
        fits = method.memory(_job(middle, vectors), params) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def free_memory() -> int:
    """Bytes this process may still take, by the machine or by its control group."""
    import psutil  # noqa: PLC0415 - only a fit asks

    available = int(psutil.virtual_memory().available)
    try:
        limit, used = (int(path.read_text()) for path in (GROUP_LIMIT, GROUP_USE))
    except (OSError, ValueError):
        return available
    return min(available, limit - used)


def _job(count: int, vectors: Vectors) -> Job:
    return Job(
        count=count,
        dimensions=int(vectors.shape[1]),
        itemsize=int(vectors.itemsize),
        vectors=vectors,
    )


def _readable(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
