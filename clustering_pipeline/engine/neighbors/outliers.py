"""How far each document stands from the others, in the space it came in."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.neighbors.graph import nearest_neighbors
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.neighbors.screening import first_copies, slices
from clustering_pipeline.engine.neighbors.search import search_rows
from clustering_pipeline.engine.sampling import sample_rows
from clustering_pipeline.engine.vectors import Vectors, as_vectors, never
from clustering_pipeline.model.progress import Check

NEIGHBORS = 5
DEVIATION = 1.4826  # a median absolute deviation as a standard deviation of a normal distribution
# Above so many documents, neighbours are sought among a seeded sample of them.
MANY = 150_000
SAMPLE = 20_000
ROWS = 20_000  # compared with the sample at once


def outlier_scores(
    vectors: ArrayLike,
    *,
    neighbors: Neighborhood | None = None,
    many: int = MANY,
    sample: int = SAMPLE,
    check: Check = never,
) -> NDArray[np.float64]:
    """(n,) scores in [0, 1]: 0 in the crowd, near 1 far from everything.

    The mean Euclidean distance to the nearest neighbours, as deviations above the median, squashed
    by the error function as in LoOP (Kriegel et al., 2009).  The deviation is that of the nearer
    half, so that many outliers do not hide each other.  Above ``many`` documents the neighbours are
    those among a seeded ``sample`` of them, as exact as any.
    """
    points = as_vectors(vectors)
    if len(points) < 3:
        return np.zeros(len(points))
    if len(points) > many:
        return _scores(reach_of_sample(points, NEIGHBORS, sample, check))
    hood = neighbors or Neighborhood(points, check)
    return _scores(hood.nearest(NEIGHBORS).distances.mean(axis=1))


def _scores(reach: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import erf  # noqa: PLC0415 - heavy

    excess = reach - np.median(reach)
    near = -excess[excess < 0]
    deviation = DEVIATION * float(np.median(near)) if len(near) else float(reach.std())
    if deviation <= 0:
        return np.zeros(len(reach))
    return erf(np.maximum(excess, 0) / (np.sqrt(2) * deviation))


def reach_of_sample(points: Vectors, count: int, size: int, check: Check) -> NDArray[np.float64]:
    """The mean distance of every row to its nearest sampled rows, itself left out."""
    rows = sample_rows(len(points), size)
    known = points[rows]
    reach = np.empty(len(points))
    reach[rows] = nearest_neighbors(known, count, check=check).distances.mean(axis=1)
    others = np.setdiff1d(np.arange(len(points)), rows)
    firsts, copies = np.unique(first_copies(known), return_counts=True)
    distinct = known[firsts]
    width = min(count, len(distinct))
    for span in slices(len(others), ROWS):
        some = others[span]
        both = np.concatenate([distinct, points[some]])
        own = np.arange(len(distinct), len(both))
        near, far = search_rows(both, own, width, check, among=len(distinct))
        taken = np.diff(np.minimum(copies[near].cumsum(axis=1), count), axis=1, prepend=0)
        reach[some] = (taken * far).sum(axis=1) / taken.sum(axis=1)
    return reach
