"""The size of work, before it is done."""

from dataclasses import dataclass

from clustering_pipeline.engine.vectors import Vectors


@dataclass(frozen=True, kw_only=True)
class Job:
    """``count`` documents of ``dimensions`` numbers with ``itemsize`` bytes each.

    They are like ``vectors``, whose number may be another; None before these are known.
    """

    count: int
    dimensions: int
    itemsize: int
    vectors: Vectors | None = None


def job_of(vectors: Vectors) -> Job:
    """Work on (n, d) vectors."""
    count, dimensions = vectors.shape
    return Job(count=count, dimensions=dimensions, itemsize=int(vectors.itemsize), vectors=vectors)
