"""The exact nearest neighbours of every vector, searched once and shared by a whole run."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.screening import first_copies, pair_distances, slices
from clustering_pipeline.engine.neighbors.search import search
from clustering_pipeline.engine.vectors import Vectors, never, squarable, unit_rows
from clustering_pipeline.model.progress import Check

Metric: TypeAlias = Literal["euclidean", "cosine"]
Named: TypeAlias = Literal["euclidean", "cosine", "correlation", "manhattan"]

MEASURED = 4096  # rows between two checks
EXPANDED = 1 << 20  # entries held at once while copies are put back


@dataclass(frozen=True, kw_only=True)
class NeighborGraph:
    """The k nearest other rows of every row: nearest first, equal distances by row number.

    ``indices`` is (n, k) int64, ``distances`` (n, k) float64; a row is never its own neighbour.
    Distances are Euclidean, or half the squared chord of the unit vectors for ``cosine``.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    metric: Named = "euclidean"

    def first(self, count: int) -> "NeighborGraph":
        """The same graph with only the nearest ``count`` of each row."""
        return NeighborGraph(
            indices=self.indices[:, :count], distances=self.distances[:, :count], metric=self.metric
        )


def nearest_neighbors(
    vectors: Vectors, k: int, metric: Metric = "euclidean", *, check: Check = never
) -> NeighborGraph:
    """The ``k`` nearest neighbours of every row of (n, d) vectors, all n - 1 when k is larger."""
    squarable(vectors)  # or refused; distances are measured in float64
    points = unit_rows(vectors) if metric == "cosine" else vectors
    k = min(k, len(points) - 1)
    first = first_copies(points)
    distinct = np.flatnonzero(first == np.arange(len(points)))
    if len(distinct) == len(points):
        indices, distances = search(points, k, check)
    else:
        indices, distances = search(points[distinct], min(k, len(distinct) - 1), check)
        indices, distances = _with_copies(indices, distances, first, k)
    if metric == "cosine":
        distances = distances**2 / 2
    return NeighborGraph(indices=indices, distances=distances, metric=metric)


def measured(
    vectors: Vectors, indices: NDArray[np.int64], metric: Named, check: Check = never
) -> NeighborGraph:
    """The graph of (n, k) ``indices`` that a search of the same (n, d) vectors found before.

    ``metric`` is euclidean or cosine.
    """
    points = unit_rows(vectors) if metric == "cosine" else vectors
    distances = np.empty(indices.shape)
    for rows in slices(len(points), MEASURED):
        check()
        own = np.repeat(np.arange(rows.start, rows.stop), indices.shape[1])
        measures = pair_distances(points, own, indices[rows].ravel())
        distances[rows] = measures.reshape(distances[rows].shape)
    if metric == "cosine":
        distances = distances**2 / 2
    return NeighborGraph(indices=indices, distances=distances, metric=metric)


def _with_copies(
    indices: NDArray[np.int64], distances: NDArray[np.float64], first: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Neighbours of all rows from those of the different ones; ``first`` is each row's copy."""
    distinct, group, sizes = np.unique(first, return_inverse=True, return_counts=True)
    members = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    wide_indices = np.empty((len(distinct), k + 1), dtype=np.int64)
    wide_distances = np.empty((len(distinct), k + 1))
    for rows in slices(len(distinct), max(1, EXPANDED // (k + 1) ** 2)):
        near = np.column_stack([np.arange(rows.start, rows.stop), indices[rows]])
        far = np.column_stack([np.zeros(len(near)), distances[rows]])
        taken = np.minimum(sizes[near], k + 1)
        member = members[_runs(starts[near].ravel(), taken.ravel())]
        distance = np.repeat(far.ravel(), taken.ravel())
        chosen = _first_of_rows(taken.sum(axis=1), distance, member, k + 1)
        wide_indices[rows], wide_distances[rows] = member[chosen], distance[chosen]
    mine = wide_indices[group] == np.arange(len(first))[:, None]
    mine[~mine.any(axis=1), -1] = True
    shape = (len(first), k)
    return wide_indices[group][~mine].reshape(shape), wide_distances[group][~mine].reshape(shape)


def _runs(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from each start on, as many as its length says."""
    ends = np.cumsum(lengths)
    return np.arange(lengths.sum()) + np.repeat(starts - ends + lengths, lengths)


def _first_of_rows(
    widths: NDArray[np.int64], distance: NDArray[np.float64], member: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Places of each row's ``count`` nearest; rows lie one after the other, ``widths`` long."""
    row = np.repeat(np.arange(len(widths)), widths)
    order = np.lexsort((member, distance, row))
    starts = np.cumsum(widths) - widths
    return order[starts[:, None] + np.arange(count)]
