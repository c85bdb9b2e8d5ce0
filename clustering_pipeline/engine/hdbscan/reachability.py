"""Mutual reachability: two points are no closer than their neighbourhoods are wide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import Edges, edges_between
from clustering_pipeline.engine.neighbors.screening import pair_distances
from clustering_pipeline.engine.vectors import Vectors


@dataclass(frozen=True, kw_only=True)
class Reachability:
    """Vectors with their core distances; ``alpha`` divides distances, as in robust single linkage.

    The mutual reachability distance of two points is the largest of both core distances and their
    distance divided by ``alpha`` (Campello, Moulavi and Sander, 2013; Chaudhuri and Dasgupta,
    2010).
    """

    vectors: Vectors
    core: NDArray[np.float64]
    alpha: float

    def edges(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Edges:
        """Edges between points, measured in float64."""
        return self.weighed(left, right, pair_distances(self.vectors, left, right))

    def weighed(
        self, left: NDArray[np.int64], right: NDArray[np.int64], distance: NDArray[np.float64]
    ) -> Edges:
        """Edges between points whose distances are known."""
        cores = np.maximum(self.core[left], self.core[right])
        return edges_between(left, right, np.maximum(cores, distance / self.alpha))
