"""Lloyd's iteration of k-means (1982), with scikit-learn's rules for when to stop and empty groups.

Documents are compared with the centres in blocks side by side, and sums change only for those that
move: the same on any number of threads, and a cancel waits for a block.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.blocks import blocks
from clustering_pipeline.engine.threads import Spread
from clustering_pipeline.engine.vectors import Check, Labels, Vectors

ROWS = 4096


@dataclass(frozen=True, kw_only=True)
class Iterated:
    """The ``labels`` (n,) of one start, their ``inertia``, and after how many ``iterations``."""

    labels: Labels
    inertia: float
    iterations: int


def tolerance(points: Vectors, share: float) -> float:
    """The squared movement of all centres below which they stand still."""
    return share * float(np.var(points, axis=0).mean())


def lloyd(
    points: Vectors, start: Vectors, *, most: int, tolerance: float, spread: Spread, check: Check
) -> Iterated:
    """Move the (k, d) centres ``start`` to the means of the (n, d) ``points`` nearest to them."""
    centres, labels = start, np.full(len(points), -1, dtype=np.int64)
    sums = np.zeros(start.shape)
    still, iteration = False, 0
    while not still and iteration < most:
        iteration += 1
        nearest = _nearest(points, centres, spread, check)
        _move(sums, points, labels, nearest, check)
        still, labels = np.array_equal(labels, nearest), nearest
        moved = _means(sums, points, centres, labels).astype(points.dtype)
        shift = float(((moved - centres).astype(np.float64) ** 2).sum())
        centres = moved
        if not still and shift <= tolerance:
            break
    if not still:
        labels = _nearest(points, centres, spread, check)
    inertia = _inertia(points, centres, labels)
    return Iterated(labels=labels, inertia=inertia, iterations=iteration)


def _nearest(points: Vectors, centres: Vectors, spread: Spread, check: Check) -> Labels:
    squares = np.einsum("ij,ij->i", centres, centres)
    doubled = -2 * centres.T

    def nearest_to(rows: slice) -> Labels:
        distances = points[rows] @ doubled
        distances += squares
        return distances.argmin(axis=1)

    return np.concatenate(list(spread(nearest_to, list(blocks(len(points), ROWS)), check)))


def _move(
    sums: NDArray[np.float64], points: Vectors, before: Labels, after: Labels, check: Check
) -> None:
    """Take what moved off the sum of its old group and add it to that of its new one."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - heavy

    moving = np.flatnonzero(before != after)
    for part in blocks(len(moving), ROWS, check):
        rows = moving[part]
        places = np.arange(len(rows))
        left = before[rows] >= 0
        ends = np.concatenate([after[rows], before[rows][left]])
        values = np.concatenate([np.ones(len(rows)), -np.ones(np.count_nonzero(left))])
        columns = np.concatenate([places, places[left]])
        shape = (len(sums), len(rows))
        sums += csr_matrix((values, (ends, columns)), shape=shape) @ points[rows].astype(np.float64)


def _means(
    sums: NDArray[np.float64], points: Vectors, centres: Vectors, labels: Labels
) -> NDArray[np.float64]:
    """The groups' means; an empty one takes the document farthest from its own centre."""
    sizes = np.bincount(labels, minlength=len(sums)).astype(np.float64)
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        sums = sums.copy()
        gaps = np.concatenate(
            [
                ((points[rows] - centres[labels[rows]]) ** 2).sum(axis=1)
                for rows in blocks(len(points), ROWS)
            ]
        )
        farthest = np.argpartition(gaps, -len(empty))[: -len(empty) - 1 : -1]
        for group, row in zip(empty, farthest if gaps.max() > 0 else (), strict=False):
            sums[labels[row]] -= points[row]
            sums[group] = points[row]
            sizes[labels[row]] -= 1
            sizes[group] = 1
    means = sums / np.maximum(sizes, 1)[:, None]
    means[sizes == 0] = means[int(sizes.argmax())]
    return means


def _inertia(points: Vectors, centres: Vectors, labels: Labels) -> float:
    """The sum of all squared distances to the own centre."""
    total = 0.0
    for rows in blocks(len(points), ROWS):
        gaps = points[rows] - centres[labels[rows]]
        total += float(np.einsum("ij,ij->", gaps, gaps, dtype=np.float64))
    return total
