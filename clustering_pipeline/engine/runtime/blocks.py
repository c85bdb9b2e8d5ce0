"""Long matrices a piece at a time, so that copies in double precision stay small."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import Labels, Vectors, never
from clustering_pipeline.model.progress import Check

ROWS = 4096
BLOCK_VALUES = 1 << 24  # bounds held at once by a worker: 64 MiB
BLOCK_PRODUCTS = 1 << 34  # between two checks: under a second of a core


def blocks(count: int, rows: int = ROWS, check: Check = never) -> Iterator[slice]:
    """Slices that cover ``count`` rows in order, asking before each whether to go on."""
    for start in range(0, count, rows):
        check()
        yield slice(start, min(start + rows, count))


def group_sums(
    vectors: Vectors, labels: Labels, groups: int, check: Check = never
) -> NDArray[np.float64]:
    """(groups, d) sums of the members' vectors, added up in row order; noise is left out."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - heavy

    sums = np.zeros((groups, vectors.shape[1]))
    for rows in blocks(len(vectors), check=check):
        inside = np.flatnonzero(labels[rows] >= 0)
        members = (np.ones(len(inside)), (labels[rows][inside], inside))
        shape = (groups, rows.stop - rows.start)
        sums += csr_matrix(members, shape=shape) @ vectors[rows].astype(np.float64)
    return sums


def rows_at_once(count: int, dimensions: int, *, most: int) -> int:
    """How many rows to hold against all ``count`` of them, so that memory and time stay small."""
    return max(16, min(most, BLOCK_VALUES // count, BLOCK_PRODUCTS // (count * dimensions)))
