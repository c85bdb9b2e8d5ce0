"""Neighbours among vectors that are all different, by products or, in few dimensions, by a tree.

Both only propose candidates.  Distances are measured in float64, and a row is settled when nothing
that was not proposed can be as near as its last neighbour; the others are searched in full.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.screening import (
    Screen,
    coarse_screen,
    fine_screen,
    pair_distances,
    round_up,
    slices,
)
from clustering_pipeline.engine.runtime.blocks import rows_at_once
from clustering_pipeline.engine.runtime.threads import cores, in_parallel
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.progress import Check

SPARE = 8  # candidates beyond k, so that rounding rarely leaves the last neighbour open
GROUP = 16  # columns that share one minimum when a row's threshold is sought
BLOCK_ROWS = 256
MOST_CLOSE = 256  # pairs of a row measured one by one, before a finer screen pays
TREE_DIMENSIONS = 10  # up to here a tree was faster, on clustered data by far
TREE_ROWS = 8192
TREE_ERROR = 1e-12  # of the tree's own float64 distances, relative

Found = tuple[NDArray[np.int64], NDArray[np.float64]]


def search(points: Vectors, k: int, check: Check) -> Found:
    """(n, k) indices and distances, nearest first, equal distances by row number."""
    if k == 0:
        return np.empty((len(points), 0), dtype=np.int64), np.empty((len(points), 0))
    if points.shape[1] <= TREE_DIMENSIONS:
        return _by_tree(points, k, check)
    return search_rows(points, np.arange(len(points)), k, check)


def search_rows(
    points: Vectors, rows: NDArray[np.int64], k: int, check: Check, *, among: int | None = None
) -> Found:
    """(rows, k) of some ``rows`` only, by products; neighbours are the first ``among`` points.

    None is all of them; otherwise no row is one of those itself.
    """
    among = len(points) if among is None else among
    indices = np.empty((len(rows), k), dtype=np.int64)
    distances = np.empty((len(rows), k))
    order = np.arange(len(points))
    unsettled = np.arange(len(rows))
    for screen, most in ((coarse_screen, MOST_CLOSE), (fine_screen, among)):
        if len(unsettled):
            nearest = partial(_nearest_to, screen(points, order), k=k, most=most, among=among)
            step = rows_at_once(*points.shape, most=BLOCK_ROWS)
            blocks = [unsettled[block] for block in slices(len(unsettled), step)]
            work = in_parallel(nearest, [rows[block] for block in blocks], check)
            settled = []
            for block, part in zip(blocks, work, strict=True):
                indices[block], distances[block] = part.indices, part.distances
                settled.append(part.settled)
            unsettled = unsettled[~np.concatenate(settled)]
    return indices, distances


@dataclass(frozen=True, kw_only=True)
class _Block:
    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    settled: NDArray[np.bool_]


def _nearest_to(
    screen: Screen, rows: NDArray[np.int64], *, k: int, most: int, among: int
) -> _Block:
    """Neighbours of ``rows``, those with more than ``most`` close calls on average not settled."""
    points = screen.vectors
    bounds = screen.bounds(rows, slice(0, among))
    inside = np.flatnonzero(rows < among)
    bounds[inside, rows[inside]] = np.inf
    others = among - min(len(inside), 1)
    candidates, beyond = _lowest(bounds, min(k + SPARE, others))
    if candidates.shape[1] == others:
        beyond[:] = np.inf
    indices, distances = ranked(points, rows, candidates, k)
    reach = screen.squared(distances[:, -1])
    settled = reach < beyond
    unsettled = np.flatnonzero(~settled)
    row, near = np.nonzero(bounds[unsettled] <= round_up(reach[unsettled], bounds.dtype)[:, None])
    if 0 < len(near) <= most * len(unsettled):
        closest = _nearest_of(points, rows[unsettled][row], near, k)
        indices[unsettled], distances[unsettled] = closest
        settled[:] = True
    return _Block(indices=indices, distances=distances, settled=settled)


def _by_tree(points: Vectors, k: int, check: Check) -> Found:
    from scipy.spatial import KDTree  # noqa: PLC0415 - heavy

    tree = KDTree(points)
    proposed = min(k + SPARE, len(points) - 1)
    indices = np.empty((len(points), k), dtype=np.int64)
    distances = np.empty((len(points), k))
    for rows in slices(len(points), TREE_ROWS):
        check()
        own = np.arange(rows.start, rows.stop)
        far, near = tree.query(points[rows], proposed + 1, workers=cores())
        itself = near == own[:, None]
        itself[~itself.any(axis=1), -1] = True
        candidates = np.sort(near[~itself].reshape(len(own), proposed), axis=1)
        indices[rows], distances[rows] = ranked(points, own, candidates, k)
        reach = distances[rows, -1] * (1 + TREE_ERROR)
        everything = proposed == len(points) - 1
        unsettled = own[(reach >= far[:, -1] * (1 - TREE_ERROR)) & (not everything)]
        if len(unsettled):
            within = tree.query_ball_point(points[unsettled], reach[unsettled - rows.start])
            row = np.repeat(unsettled, [len(each) for each in within])
            near = np.concatenate([np.sort(each) for each in within]).astype(np.int64)
            other = near != row
            indices[unsettled], distances[unsettled] = _nearest_of(
                points, row[other], near[other], k
            )
    return indices, distances


def ranked(points: Vectors, own: NDArray[np.int64], candidates: NDArray[np.int64], k: int) -> Found:
    """The nearest ``k`` of each row's candidates, which come in ascending order."""
    sources = np.repeat(own, candidates.shape[1])
    distances = pair_distances(points, sources, candidates.ravel()).reshape(candidates.shape)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(
        distances, order, axis=1
    )


def _nearest_of(points: Vectors, row: NDArray[np.int64], near: NDArray[np.int64], k: int) -> Found:
    """The nearest ``k`` of each row, from pairs sorted by row with at least that many for each."""
    distances = pair_distances(points, row, near)
    order = np.lexsort((near, distances, row))
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    first = order[starts[:, None] + np.arange(k)]
    return near[first], distances[first]


def _lowest(
    bounds: NDArray[np.floating], count: int
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Each row's columns of the ``count`` lowest bounds, ascending, and a floor of the others."""
    height, width = bounds.shape
    hits = np.flatnonzero(bounds <= _thresholds(bounds, count)[:, None])
    rows, columns = np.divmod(hits, width)
    filled = np.bincount(rows, minlength=height)
    slot = np.arange(len(hits)) - np.repeat(np.cumsum(filled) - filled, filled)
    values = np.full((height, filled.max()), np.inf, dtype=bounds.dtype)
    values[rows, slot] = bounds.ravel()[hits]
    chosen = np.argpartition(values, count - 1, axis=1)[:, :count]
    beyond = np.take_along_axis(values, chosen, axis=1).max(axis=1)
    table = np.zeros(values.shape, dtype=np.int64)
    table[rows, slot] = columns
    return np.sort(np.take_along_axis(table, chosen, axis=1), axis=1), beyond


def _thresholds(bounds: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    """For each row a value that at least ``count`` of its bounds do not exceed, and few more."""
    groups = bounds.shape[1] // GROUP
    if groups > 2 * count:
        grouped = bounds[:, : groups * GROUP].reshape(len(bounds), GROUP, groups)
        bounds = grouped.min(axis=1)
    return np.partition(bounds, count - 1, axis=1)[:, count - 1]
