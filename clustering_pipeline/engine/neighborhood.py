"""One exact neighbour search per metric, shared by every step of a run that needs neighbours."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from clustering_pipeline.engine.neighbors import NeighborGraph, nearest_neighbors
from clustering_pipeline.engine.vectors import Check, Vectors, never

Metric: TypeAlias = Literal["euclidean", "cosine", "correlation", "manhattan"]


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
        check()
        return _city_blocks(vectors, count)
    if metric == "correlation":
        centred = vectors - vectors.mean(axis=1, keepdims=True)
        return nearest_neighbors(centred, count, "cosine", check=check)
    return nearest_neighbors(vectors, count, metric, check=check)


def _city_blocks(vectors: Vectors, count: int) -> NeighborGraph:
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - heavy

    index = NearestNeighbors(n_neighbors=count, algorithm="brute", metric="manhattan")
    distances, indices = index.fit(vectors).kneighbors()
    return NeighborGraph(
        indices=indices.astype(np.int64),
        distances=distances.astype(np.float64),
        metric="manhattan",
    )
