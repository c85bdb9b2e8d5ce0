"""Which metrics there are, and how each comes to a spanning tree."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import edges_between
from clustering_pipeline.engine.hdbscan.spanning_tree import SpanningTree
from clustering_pipeline.engine.neighbors import NeighborGraph
from clustering_pipeline.engine.screening import pair_distances
from clustering_pipeline.engine.vectors import Vectors, unit_rows
from clustering_pipeline.model.errors import InvalidParameters

EUCLIDEAN = ("euclidean", "l2")
PACKAGED = ("braycurtis", "canberra", "chebyshev", "cityblock", "l1", "manhattan")


@dataclass(frozen=True, kw_only=True)
class EuclideanSpace:
    """Points whose Euclidean distances the metric asks for.

    ``directed`` (n,) is false for rows that have no direction, which ``vectors`` leaves out.
    """

    vectors: Vectors
    directed: NDArray[np.bool_]
    neighbors: NeighborGraph | None
    record: dict[str, object]


def euclidean_space(
    vectors: Vectors, metric: str, neighbors: NeighborGraph | None
) -> EuclideanSpace:
    """The space of ``euclidean`` as it is, and that of ``cosine`` as unit vectors."""
    directed = np.ones(len(vectors), dtype=bool)
    record: dict[str, object] = {"metric": metric}
    if metric != "cosine":
        usable = neighbors if neighbors and neighbors.metric == "euclidean" else None
        return EuclideanSpace(vectors=vectors, directed=directed, neighbors=usable, record=record)
    directed = np.count_nonzero(vectors, axis=1) > 0
    unit = unit_rows(vectors[directed])
    record["normalized"] = "rows scaled to unit length; Euclidean distance between them"
    record["zero_vectors"] = int(len(vectors) - len(unit))
    usable = neighbors if neighbors and neighbors.metric == "cosine" and directed.all() else None
    return EuclideanSpace(
        vectors=unit,
        directed=directed,
        neighbors=_chords(usable, unit) if usable else None,
        record=record,
    )


def packaged_tree(vectors: Vectors, metric: str, *, min_samples: int, alpha: float) -> SpanningTree:
    """The exact tree by the hdbscan package, for metrics that no matrix product computes."""
    from hdbscan import HDBSCAN  # noqa: PLC0415 - heavy

    if metric not in PACKAGED:
        known = ", ".join((*EUCLIDEAN, "cosine", *PACKAGED))
        message = f"hdbscan has no metric {metric!r}; it has: {known}"
        raise InvalidParameters(message)
    prims = "prims_balltree" if metric in ("braycurtis", "canberra") else "prims_kdtree"
    model = HDBSCAN(
        min_samples=min_samples, alpha=alpha, metric=metric, algorithm=prims, gen_min_span_tree=True
    )
    left, right, weight = model.fit(vectors.astype(np.float64))._min_spanning_tree.T  # noqa: SLF001
    edges = edges_between(left, right, weight).ordered()
    core = np.full(len(vectors), np.inf)
    return SpanningTree(edges=edges, core_distances=core)


def _chords(neighbors: NeighborGraph, unit: Vectors) -> NeighborGraph:
    """The graph of cosine distances with the unit vectors' Euclidean distances instead."""
    ids = np.repeat(np.arange(len(unit)), neighbors.indices.shape[1])
    distances = pair_distances(unit, ids, neighbors.indices.ravel())
    return replace(
        neighbors, distances=distances.reshape(neighbors.indices.shape), metric="euclidean"
    )
