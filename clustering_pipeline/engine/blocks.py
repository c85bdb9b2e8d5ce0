"""Long matrices a piece at a time, so that copies in double precision stay small."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import Labels, Vectors

ROWS = 4096


def blocks(count: int, rows: int = ROWS) -> Iterator[slice]:
    """Slices that cover ``count`` rows in order."""
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))


def group_sums(vectors: Vectors, labels: Labels, groups: int) -> NDArray[np.float64]:
    """(groups, d) sums of the members' vectors, added up in row order; noise is left out."""
    sums = np.zeros((groups, vectors.shape[1]))
    for rows in blocks(len(vectors)):
        inside = labels[rows] >= 0
        np.add.at(sums, labels[rows][inside], vectors[rows][inside].astype(np.float64))
    return sums
