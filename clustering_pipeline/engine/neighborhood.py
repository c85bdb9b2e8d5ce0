"""One exact neighbour search per metric, shared by every step of a run that needs neighbours."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from clustering_pipeline.engine.blocks import blocks
from clustering_pipeline.engine.neighbors import NeighborGraph, nearest_neighbors
from clustering_pipeline.engine.vectors import Check, Vectors, never

Metric: TypeAlias = Literal["euclidean", "cosine", "correlation", "manhattan"]
ROWS = 64  # held at once against all others


@dataclass
class Neighborhood:
    """The neighbours of one set of vectors, searched when first asked for."""

    vectors: Vectors
    check: Check = never
    found: dict[Metric, NeighborGraph] = field(default_factory=dict)

    def nearest(self, count: int, metric: Metric = "euclidean") -> NeighborGraph:
        """``count`` other rows for every row, or all others when there are fewer."""
        count = min(count, len(self.vectors) - 1)
        known = self.found.get(metric)
        if known is None or known.indices.shape[1] < count:
            known = self.found[metric] = search(self.vectors, count, metric, self.check)
        return known.first(count)


def search(vectors: Vectors, count: int, metric: Metric, check: Check = never) -> NeighborGraph:
    """Exact neighbours; correlation is the cosine of centred rows."""
    if metric == "manhattan":
        return _city_blocks(vectors, count, check)
    if metric == "correlation":
        centred = vectors - vectors.mean(axis=1, keepdims=True)
        return nearest_neighbors(centred, count, "cosine", check=check)
    return nearest_neighbors(vectors, count, metric, check=check)


def _city_blocks(vectors: Vectors, count: int, check: Check) -> NeighborGraph:
    """Row by row, and not by scikit-learn, in which the threads decide between equal distances."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - heavy

    indices = np.empty((len(vectors), count), dtype=np.int64)
    distances = np.empty((len(vectors), count))
    for rows in blocks(len(vectors), ROWS):
        check()
        for row, found in enumerate(cdist(vectors[rows], vectors, "cityblock"), start=rows.start):
            found[row] = np.inf
            near = np.flatnonzero(found <= np.partition(found, count - 1)[count - 1])
            indices[row] = near[np.argsort(found[near], kind="stable")][:count]
            distances[row] = found[indices[row]]
    return NeighborGraph(indices=indices, distances=distances, metric="manhattan")
