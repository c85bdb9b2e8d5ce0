"""HDBSCAN* on raw embeddings, exact (Campello, Moulavi and Sander, 2013; McInnes et al., 2017)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.hdbscan.condensed import (
    Method,
    Selection,
    condense,
    outlier_scores,
    select,
)
from clustering_pipeline.engine.hdbscan.forest import Edges
from clustering_pipeline.engine.hdbscan.metrics import Space, space_of
from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.vectors import as_vectors, never
from clustering_pipeline.model.progress import Check


@dataclass(frozen=True, kw_only=True)
class HDBSCANFit:
    """Groups of n vectors and the tree they come from.

    ``labels`` (n,) int64, -1 for noise, numbered as hdbscan does, not by size; ``probabilities``
    and ``outlier_scores`` (n,) float64 in [0, 1], the latter GLOSH; ``persistence`` one per group;
    ``spanning_tree`` the n - 1 edges by weight; ``record`` what was done to the vectors.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    outlier_scores: NDArray[np.float64]
    persistence: NDArray[np.float64]
    spanning_tree: Edges
    record: dict[str, object]


def fit_hdbscan(
    vectors: ArrayLike,
    *,
    min_cluster_size: int = 5,
    min_samples: int | None = None,
    metric: str = "euclidean",
    alpha: float = 1.0,
    cluster_selection_method: Method = "eom",
    cluster_selection_epsilon: float = 0.0,
    max_cluster_size: int | None = None,
    allow_single_cluster: bool = False,
    match_reference_implementation: bool = False,
    neighbors: NeighborGraph | None = None,
    check: Check = never,
) -> HDBSCANFit:
    """Cluster (n, d) vectors; a row's number is its id and decides between equal weights.

    Parameters are hdbscan's; ``min_samples`` leaves out the point itself and is
    ``min_cluster_size`` when absent.  ``cosine`` scales the rows to unit length, and rows of zeros
    are noise.  ``neighbors`` saves the first of two passes when it lists enough of them; ``check``
    is called between blocks.
    """
    matrix = as_vectors(vectors)
    min_samples = min_cluster_size if min_samples is None else min_samples
    if match_reference_implementation:
        min_samples, min_cluster_size = min_samples - 1, min_cluster_size + 1
    min_samples = max(1, min_samples)
    selection = Selection(
        cluster_selection_method=cluster_selection_method,
        cluster_selection_epsilon=cluster_selection_epsilon,
        max_cluster_size=max_cluster_size,
        allow_single_cluster=allow_single_cluster,
        match_reference_implementation=match_reference_implementation,
    )
    space = space_of(matrix, metric, neighbors)
    edges = space.tree(min_samples=min_samples, alpha=alpha, check=check)
    check()
    return _grouped(edges, space, min_cluster_size, selection)


def _grouped(edges: Edges, space: Space, min_cluster_size: int, selection: Selection) -> HDBSCANFit:
    """Groups of all rows: those without a direction are noise, and as far out as can be."""
    rows = np.flatnonzero(space.directed)
    count = len(space.directed)
    labels, probabilities = np.full(count, -1, dtype=np.int64), np.zeros(count)
    scores = np.where(space.directed, 0.0, 1.0)
    persistence = np.empty(0)
    if len(edges):
        condensed = condense(edges, min_cluster_size)
        groups = select(condensed, selection)
        labels[rows], probabilities[rows] = groups.labels, groups.probabilities
        scores[rows], persistence = outlier_scores(condensed), groups.persistence
    return HDBSCANFit(
        labels=labels,
        probabilities=probabilities,
        outlier_scores=scores,
        persistence=persistence,
        spanning_tree=edges,
        record=space.record,
    )
