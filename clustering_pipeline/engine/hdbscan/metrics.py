"""Which metrics there are, and how each comes to a spanning tree."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import NO_EDGES, Edges, edges_between
from clustering_pipeline.engine.hdbscan.spanning_tree import spanning_tree
from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.neighbors.screening import pair_distances
from clustering_pipeline.engine.vectors import Vectors, unit_rows
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.progress import Check

EUCLIDEAN = ("euclidean", "l2")
BALL_TREE = ("braycurtis", "canberra")
KD_TREE = ("chebyshev", "cityblock", "l1", "manhattan")


@dataclass(frozen=True, kw_only=True)
class Space:
    """Points as a metric sees them.

    ``directed`` (n,) is false for rows that have no direction, which ``vectors`` leaves out;
    ``neighbors`` hold Euclidean distances between ``vectors``; ``record`` tells what was done.
    """

    metric: str
    vectors: Vectors
    directed: NDArray[np.bool_]
    neighbors: NeighborGraph | None
    record: dict[str, object]

    def tree(self, *, min_samples: int, alpha: float, check: Check) -> Edges:
        """The exact spanning tree of mutual reachability, lightest edge first."""
        if len(self.vectors) < 2:
            return NO_EDGES
        if self.metric in {*BALL_TREE, *KD_TREE}:
            return _packaged_tree(self, min_samples=min_samples, alpha=alpha)
        return spanning_tree(
            self.vectors,
            min_samples=min_samples,
            alpha=alpha,
            neighbors=self.neighbors,
            check=check,
        ).edges


def space_of(vectors: Vectors, metric: str, neighbors: NeighborGraph | None) -> Space:
    """``vectors`` as they are, or scaled to unit length for ``cosine``."""
    if metric == "cosine":
        return _unit_space(vectors, neighbors)
    known = (*EUCLIDEAN, "cosine", *BALL_TREE, *KD_TREE)
    if metric not in known:
        message = f"hdbscan has no metric {metric!r}; it has: {', '.join(known)}"
        raise InvalidParameters(message)
    usable = neighbors is not None and neighbors.metric == "euclidean"
    return Space(
        metric=metric,
        vectors=vectors,
        directed=np.ones(len(vectors), dtype=bool),
        neighbors=neighbors if usable else None,
        record={"metric": metric},
    )


def _unit_space(vectors: Vectors, neighbors: NeighborGraph | None) -> Space:
    directed = np.count_nonzero(vectors, axis=1) > 0
    unit = unit_rows(vectors[directed])
    usable = neighbors is not None and neighbors.metric == "cosine" and directed.all()
    return Space(
        metric="cosine",
        vectors=unit,
        directed=directed,
        neighbors=_chords(neighbors, unit) if neighbors and usable else None,
        record={
            "metric": "cosine",
            "normalized": "rows scaled to unit length; Euclidean distance between them",
            "zero_vectors": len(vectors) - len(unit),
        },
    )


def _packaged_tree(space: Space, *, min_samples: int, alpha: float) -> Edges:
    """By the hdbscan package, for metrics that no matrix product computes."""
    from hdbscan import HDBSCAN  # noqa: PLC0415 - heavy

    model = HDBSCAN(
        min_samples=min_samples,
        alpha=alpha,
        metric=space.metric,
        algorithm="prims_balltree" if space.metric in BALL_TREE else "prims_kdtree",
        gen_min_span_tree=True,
    ).fit(space.vectors.astype(np.float64))
    left, right, weight = model.minimum_spanning_tree_.to_numpy().T
    return edges_between(left, right, weight).ordered()


def _chords(neighbors: NeighborGraph, unit: Vectors) -> NeighborGraph:
    """The graph of cosine distances with the unit vectors' Euclidean distances instead."""
    ids = np.repeat(np.arange(len(unit)), neighbors.indices.shape[1])
    distances = pair_distances(unit, ids, neighbors.indices.ravel())
    return replace(
        neighbors, distances=distances.reshape(neighbors.indices.shape), metric="euclidean"
    )
