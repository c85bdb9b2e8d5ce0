"""Refuse work that cannot end well, with the numbers and what would fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clustering_pipeline.engine.algorithms.algorithm import algorithm as named
from clustering_pipeline.engine.parameters import resolved, resolved_step
from clustering_pipeline.engine.preprocessing.step import step_named
from clustering_pipeline.engine.runtime.job import Job, job_of
from clustering_pipeline.engine.vectors import Vectors, squarable
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.preprocessing import Step
from clustering_pipeline.model.errors import DoesNotFit

SHARE = 0.8  # of what is free; the rest is for what the estimate does not see
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
GROUP_USE = Path("/sys/fs/cgroup/memory.current")
# Of a whole run, as measured: its interpreters and libraries, the copies of vectors that are held
# at once, and what else a document takes.
PROCESS = 640 << 20
COPIES = 4
BYTES_PER_DOCUMENT = 3_000
START_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """A step or the fit, over documents like those of ``job``."""

    name: str
    job: Job
    memory: Callable[[Job], int]
    seconds: Callable[[Job], float]

    def of(self, count: int) -> "Part":
        """The same over so many documents."""
        return replace(self, job=replace(self.job, count=count))

    @property
    def needed(self) -> int:
        """Bytes."""
        return self.memory(self.job)


def refuse_what_does_not_fit(
    vectors: Vectors,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    preprocessing: Sequence[Mapping[str, Any] | Step] | None = None,
    limit: int | None = None,
) -> None:
    """Raise ``DoesNotFit`` when a step or the fit would need more than ``limit`` bytes.

    None is what the machine has free.  The message names the sample that fits, and about how long
    that takes.
    """
    limit = int(free_memory() * SHARE) if limit is None else limit
    parts = list(_parts(job_of(squarable(vectors)), algorithm, params, preprocessing or ()))
    largest = max(parts, key=lambda part: part.needed)
    if largest.needed <= limit:
        return
    fitting = min(largest_that_fits(part, limit) for part in parts)
    message = (
        f"{largest.name} on {largest.job.count:,} documents of {largest.job.dimensions} "
        f"dimensions needs about {_readable(largest.needed)}, and {_readable(limit)} may be used; "
        f"{_way_out(parts, fitting)}"
    )
    raise DoesNotFit(
        message,
        details={
            "needed_bytes": largest.needed,
            "limit_bytes": limit,
            "sample_size": fitting or None,
            "seconds": round(_seconds(parts, fitting), 1) if fitting else None,
        },
    )


def expected_seconds(
    vectors: Vectors, *, algorithm: str, params: Mapping[str, Any] | Parameters | None = None
) -> float:
    """About how long a fit takes on two cores."""
    (part,) = _parts(job_of(squarable(vectors)), algorithm, params, ())
    return part.seconds(part.job)


@dataclass(frozen=True, kw_only=True)
class Need:
    """About what a whole run takes: bytes at its peak, and seconds on two cores."""

    memory: int
    seconds: float


def expected_need(
    job: Job,
    *,
    algorithm: str | None,
    params: Mapping[str, Any] | Parameters | None = None,
    preprocessing: Sequence[Mapping[str, Any] | Step] = (),
    sample_size: int | None = None,
    maps: bool = True,
) -> Need:
    """What a run over all documents of ``job`` takes, before a vector of it is read.

    Groups are fitted on ``sample_size`` of them at most; without an ``algorithm`` no vector is
    read, and without ``maps`` none is drawn.
    """
    sample = replace(job, count=min(job.count, sample_size or job.count))
    parts = [] if algorithm is None else [*_parts(sample, algorithm, params, preprocessing)]
    if parts and maps:
        parts += _parts(sample, None, None, [{"method": "umap", "n_components": 2}])
    held = job.count * (BYTES_PER_DOCUMENT + COPIES * job.dimensions * job.itemsize)
    largest = max((part.needed for part in parts), default=0)
    listed = of_products(job, 1) if parts else 0.0
    return Need(
        # A run refuses to go beyond its share of what is free: so much more is left to it.
        memory=int((PROCESS + held + largest) / SHARE),
        seconds=START_SECONDS + of_rows(job, 1) + listed + _seconds(parts, sample.count),
    )


def largest_that_fits(part: Part, limit: int) -> int:
    """The most documents that need no more than ``limit`` bytes, by bisection; 0 is none."""
    low, high = 0, part.job.count
    while low < high:
        middle = (low + high + 1) // 2
        fits = part.of(middle).needed <= limit
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


def _parts(
    job: Job,
    algorithm: str | None,
    params: Mapping[str, Any] | Parameters | None,
    preprocessing: Sequence[Mapping[str, Any] | Step],
) -> Sequence[Part]:
    """Every step, and the fit, if there is one, in the dimensions that they leave."""
    parts = []
    for given in preprocessing:
        step = resolved_step(given)
        method = step_named(step)
        parts.append(_part(str(step.model_dump()["method"]), job, method, step))
        left = min(getattr(step, "n_components", job.dimensions), job.dimensions)
        job = replace(job, dimensions=left, vectors=None)
    if algorithm is not None:
        parts.append(_part(algorithm, job, named(algorithm), resolved(algorithm, params)))
    return parts


def _part(name: str, job: Job, method: Any, settings: Any) -> Part:
    return Part(
        name=name,
        job=job,
        memory=lambda job: int(method.memory(job, settings)),
        seconds=lambda job: float(method.seconds(job, settings)),
    )


def _way_out(parts: Sequence[Part], fitting: int) -> str:
    if not fitting:
        return "no sample is small enough: free memory, or choose another algorithm"
    return f"set sample_size to {fitting:,} or less (about {spoken(_seconds(parts, fitting))})"


def _seconds(parts: Sequence[Part], count: int) -> float:
    return sum(part.seconds(part.of(count).job) for part in parts)


def _readable(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


PRODUCTS = 6e10  # operations a second in matrix products
LOOPS = 2e9  # operations a second one number at a time


def of_products(job: Job, passes: float) -> float:
    """Seconds for ``passes`` matrix products of the data with itself."""
    return passes * 2 * float(job.count) ** 2 * job.dimensions / PRODUCTS


def of_pairs(job: Job, passes: float = 1.0) -> float:
    """Seconds for looking at every pair of documents one by one."""
    return passes * float(job.count) ** 2 * job.dimensions / LOOPS


def of_few_dimensions(job: Job, nanoseconds: float) -> float:
    """Seconds for what every pair takes besides, however few its dimensions are."""
    return float(job.count) ** 2 * nanoseconds / 1e9


def of_rows(job: Job, milliseconds: float) -> float:
    """Seconds for work on each document alone."""
    return job.count * milliseconds / 1000


def spoken(seconds: float) -> str:
    """``seconds`` as people say it."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
