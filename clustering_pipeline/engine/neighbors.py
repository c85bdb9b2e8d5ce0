"""The exact nearest neighbours of every vector, searched once and shared by a whole run."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.screening import (
    Screen,
    first_copies,
    in_parallel,
    pair_distances,
    round_up,
    screen,
    slices,
)
from clustering_pipeline.engine.vectors import Check, Vectors, never, unit_rows

Metric: TypeAlias = Literal["euclidean", "cosine"]

SPARE = 8  # candidates beyond k, so that rounding rarely leaves the last neighbour open
GROUP = 16  # columns that share one minimum when a row's threshold is sought
BLOCK_VALUES = 1 << 23  # bounds held at once by a worker: 32 MiB
MAX_ROWS = 256


@dataclass(frozen=True, kw_only=True)
class NeighborGraph:
    """The k nearest other rows of every row: nearest first, equal distances by row number.

    ``indices`` is (n, k) int64, ``distances`` (n, k) float64; a row is never its own neighbour.
    Distances are Euclidean, or half the squared chord of the unit vectors for ``cosine``.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    metric: Metric = "euclidean"

    def first(self, count: int) -> "NeighborGraph":
        """The same graph with only the nearest ``count`` of each row."""
        return NeighborGraph(
            indices=self.indices[:, :count],
            distances=self.distances[:, :count],
            metric=self.metric,
        )


def nearest_neighbors(
    vectors: Vectors, k: int, metric: Metric = "euclidean", *, check: Check = never
) -> NeighborGraph:
    """The ``k`` nearest neighbours of every row of (n, d) vectors, all n - 1 when k is larger."""
    points = unit_rows(vectors) if metric == "cosine" else vectors
    k = min(k, len(points) - 1)
    first = first_copies(points)
    kept = np.flatnonzero(first == np.arange(len(points)))
    if len(kept) == len(points):
        indices, distances = _search(points, k, check)
    else:
        indices, distances = _search(points[kept], min(k, len(kept) - 1), check)
        indices, distances = _with_copies(indices, distances, first, k)
    if metric == "cosine":
        distances = distances**2 / 2
    return NeighborGraph(indices=indices, distances=distances, metric=metric)


def _search(points: Vectors, k: int, check: Check) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Neighbours among rows that are all different."""
    count = len(points)
    indices = np.empty((count, k), dtype=np.int64)
    distances = np.empty((count, k))
    if k == 0:
        return indices, distances
    prepared = screen(points, np.arange(count))
    blocks = list(slices(count, max(1, min(MAX_ROWS, BLOCK_VALUES // count))))
    found = in_parallel(lambda rows: _nearest_to_block(points, prepared, rows, k), blocks, check)
    for rows, (near, far) in zip(blocks, found, strict=True):
        indices[rows], distances[rows] = near, far
    return indices, distances


def _nearest_to_block(
    points: Vectors, prepared: Screen, rows: slice, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    bounds = prepared.bounds(rows, slice(None))
    own = np.arange(rows.start, rows.stop)
    bounds[own - rows.start, own] = np.inf
    candidates, beyond = _lowest(bounds, min(k + SPARE, len(points) - 1))
    sources = np.repeat(own, candidates.shape[1])
    distances = pair_distances(points, sources, candidates.ravel()).reshape(candidates.shape)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    indices = np.take_along_axis(candidates, order, axis=1)
    distances = np.take_along_axis(distances, order, axis=1)
    reach = prepared.squared(distances[:, -1])
    for row in np.flatnonzero(reach >= beyond):
        near = np.flatnonzero(bounds[row] <= round_up(reach[row]))
        exact = pair_distances(points, np.full(len(near), own[row]), near)
        order = np.argsort(exact, kind="stable")[:k]
        indices[row], distances[row] = near[order], exact[order]
    return indices, distances


def _lowest(
    bounds: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each row's columns of the ``count`` lowest bounds, ascending, and a floor of the others."""
    height, width = bounds.shape
    hits = np.flatnonzero(bounds <= _thresholds(bounds, count)[:, None])
    rows, columns = np.divmod(hits, width)
    filled = np.bincount(rows, minlength=height)
    slot = np.arange(len(hits)) - np.repeat(np.cumsum(filled) - filled, filled)
    values = np.full((height, filled.max()), np.inf, dtype=np.float32)
    values[rows, slot] = bounds.ravel()[hits]
    chosen = np.argpartition(values, count - 1, axis=1)[:, :count]
    beyond = np.take_along_axis(values, chosen, axis=1).max(axis=1)
    table = np.zeros(values.shape, dtype=np.int64)
    table[rows, slot] = columns
    beyond[:] = np.inf if count == width - 1 else beyond
    return np.sort(np.take_along_axis(table, chosen, axis=1), axis=1), beyond


def _thresholds(bounds: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """For each row a value that at least ``count`` of its bounds do not exceed, and few more."""
    groups = bounds.shape[1] // GROUP
    if groups > 2 * count:
        grouped = bounds[:, : groups * GROUP].reshape(len(bounds), GROUP, groups)
        bounds = grouped.min(axis=1)
    return np.partition(bounds, count - 1, axis=1)[:, count - 1]


def _with_copies(
    indices: NDArray[np.int64],
    distances: NDArray[np.float64],
    first: NDArray[np.int64],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Neighbours of all rows from those of the different ones; ``first`` is each row's copy."""
    kept, group, sizes = np.unique(first, return_inverse=True, return_counts=True)
    members = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    wide_indices = np.empty((len(kept), k + 1), dtype=np.int64)
    wide_distances = np.empty((len(kept), k + 1))
    for rows in slices(len(kept), max(1, BLOCK_VALUES // (8 * (k + 1) ** 2))):
        own = np.arange(rows.start, rows.stop)[:, None]
        near = np.hstack([own, indices[rows]])
        far = np.hstack([np.zeros(own.shape), distances[rows]])
        taken = np.minimum(sizes[near], k + 1)
        offset = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken.ravel(), taken.ravel())
        row = np.repeat(own.ravel() - rows.start, taken.sum(axis=1))
        member = members[np.repeat(starts[near].ravel(), taken.ravel()) + offset]
        distance = np.repeat(far.ravel(), taken.ravel())
        order = np.lexsort((member, distance, row))
        ends = np.cumsum(taken.sum(axis=1))
        chosen = order[(ends - taken.sum(axis=1))[:, None] + np.arange(k + 1)]
        wide_indices[rows], wide_distances[rows] = member[chosen], distance[chosen]
    mine = wide_indices[group] == np.arange(len(first))[:, None]
    mine[~mine.any(axis=1), -1] = True
    shape = (len(first), k)
    return wide_indices[group][~mine].reshape(shape), wide_distances[group][~mine].reshape(shape)
