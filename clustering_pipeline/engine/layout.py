"""A picture of the documents: two or three coordinates each."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.manifold import embed
from clustering_pipeline.engine.neighborhood import Neighborhood
from clustering_pipeline.engine.vectors import Check, as_vectors, never

NEIGHBORS = 15
MIN_DIST = 0.1
SMALLEST = 6


def layout(
    vectors: ArrayLike,
    *,
    n_components: int = 2,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    check: Check = never,
) -> NDArray[np.float32]:
    """(n, n_components) coordinates for a map of (n, d) vectors; few documents stand on a line."""
    points = as_vectors(vectors)
    if len(points) < SMALLEST or np.ptp(points, axis=0).max() == 0:
        coordinates = np.zeros((len(points), n_components), dtype=np.float32)
        coordinates[:, 0] = np.arange(len(points))
        return coordinates
    hood = neighbors or Neighborhood(points)
    return embed(
        hood.nearest(NEIGHBORS - 1, "cosine"),
        components=n_components,
        min_dist=MIN_DIST,
        random_state=random_state,
        check=check,
    )
