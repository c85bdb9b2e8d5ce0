"""How far each document stands from the others, in the space it came in."""

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.blocks import blocks
from clustering_pipeline.engine.neighborhood import Metric, Neighborhood
from clustering_pipeline.engine.sampling import sample_rows
from clustering_pipeline.engine.vectors import Check, Vectors, as_vectors, never

NEIGHBORS = 5
DEVIATION = 1.4826  # a median absolute deviation as a standard deviation of a normal distribution
# Above so many documents, neighbours are sought among a seeded sample of them.
MANY = 150_000
SAMPLE = 20_000
ROWS = 1024


def outlier_scores(
    vectors: ArrayLike,
    *,
    neighbors: Neighborhood | None = None,
    count: int = NEIGHBORS,
    metric: str = "euclidean",
    many: int = MANY,
    check: Check = never,
) -> NDArray[np.float64]:
    """(n,) scores in [0, 1]: 0 in the crowd, near 1 far from everything.

    The mean distance to the ``count`` nearest neighbours, as deviations above the median, squashed
    by the error function as in LoOP (Kriegel et al., 2009).  The deviation is that of the nearer
    half, so that many outliers do not hide each other.  Above ``many`` documents the neighbours are
    Euclidean ones among ``SAMPLE`` of them.
    """
    points = as_vectors(vectors)
    if len(points) < 3:
        return np.zeros(len(points))
    if len(points) > many:
        return _scores(_reach_of_sample(points, count, check))
    hood = neighbors or Neighborhood(points, check)
    return _scores(hood.nearest(count, cast("Metric", metric)).distances.mean(axis=1))


def _scores(reach: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import erf  # noqa: PLC0415 - heavy

    excess = reach - np.median(reach)
    near = -excess[excess < 0]
    deviation = DEVIATION * float(np.median(near)) if len(near) else float(reach.std())
    if deviation <= 0:
        return np.zeros(len(reach))
    return erf(np.maximum(excess, 0) / (np.sqrt(2) * deviation))


def _reach_of_sample(points: Vectors, count: int, check: Check) -> NDArray[np.float64]:
    """The mean distance of every row to its nearest sampled rows, itself left out."""
    rows = sample_rows(len(points), SAMPLE)
    known = points[rows].astype(np.float32)
    squares = np.einsum("ij,ij->i", known, known)
    reach = np.empty(len(points))
    for some in blocks(len(points), ROWS):
        check()
        block = points[some].astype(np.float32)
        squared = squares - 2 * (block @ known.T)
        squared += np.einsum("ij,ij->i", block, block)[:, None]
        inside = np.flatnonzero((rows >= some.start) & (rows < some.stop))
        squared[rows[inside] - some.start, inside] = np.inf
        nearest = np.partition(squared, count - 1, axis=1)[:, :count]
        reach[some] = np.sqrt(np.maximum(nearest, 0, dtype=np.float64)).mean(axis=1)
    return reach
