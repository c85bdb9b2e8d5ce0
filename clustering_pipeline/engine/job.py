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
