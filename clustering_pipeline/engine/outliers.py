"""How far each document stands from the others, in the space it came in."""

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.neighborhood import Metric, Neighborhood
from clustering_pipeline.engine.vectors import as_vectors

NEIGHBORS = 5
DEVIATION = 1.4826  # a median absolute deviation as a standard deviation of a normal distribution


def outlier_scores(
    vectors: ArrayLike,
    *,
    neighbors: Neighborhood | None = None,
    count: int = NEIGHBORS,
    metric: str = "euclidean",
) -> NDArray[np.float64]:
    """(n,) scores in [0, 1]: 0 in the crowd, near 1 far from everything.

    The mean distance to the ``count`` nearest neighbours, as deviations above the median, squashed
    by the error function as in LoOP (Kriegel et al., 2009).  The deviation is that of the nearer
    half, so that many outliers do not hide each other.
    """
    from scipy.special import erf  # noqa: PLC0415 - heavy

    points = as_vectors(vectors)
    if len(points) < 3:
        return np.zeros(len(points))
    hood = neighbors or Neighborhood(points)
    reach = hood.nearest(count, cast("Metric", metric)).distances.mean(axis=1)
    excess = reach - np.median(reach)
    near = -excess[excess < 0]
    deviation = DEVIATION * float(np.median(near)) if len(near) else float(reach.std())
    if deviation <= 0:
        return np.zeros(len(points))
    return erf(np.maximum(excess, 0) / (np.sqrt(2) * deviation))
