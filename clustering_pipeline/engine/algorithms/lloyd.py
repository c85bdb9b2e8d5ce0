"""Lloyd's iteration of k-means (1982), with scikit-learn's rules for when to stop and empty groups.

Documents are compared with the centres in blocks side by side, and sums change only for those that
move: the same on any number of threads, and a cancel waits for a block.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.runtime.blocks import blocks
from clustering_pipeline.engine.runtime.threads import Spread
from clustering_pipeline.engine.vectors import Labels, Vectors
from clustering_pipeline.model.progress import Check

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


def spread_start(
    vectors: Vectors, count: int, stream: np.random.RandomState, spread: Spread, check: Check
) -> Vectors:
    """``count`` rows of ``vectors``, each far from those before it."""
    squared = partial(_squared_distances, vectors, spread=spread, check=check)
    norms = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    trials = 2 + int(np.log(count))
    shares = np.full(len(vectors), 1 / len(vectors))
    chosen = [int(stream.choice(len(vectors), p=shares))]
    closest = squared(norms, np.array(chosen))[0]
    potential = closest.sum(dtype=np.float64)
    while len(chosen) < count:
        drawn = stream.uniform(size=trials) * potential
        places = np.searchsorted(np.cumsum(closest), drawn)
        candidates = np.minimum(places, len(vectors) - 1)
        nearer = np.minimum(closest, squared(norms, candidates))
        potentials = nearer.sum(axis=1, dtype=np.float64)
        best = int(potentials.argmin())
        potential, closest = potentials[best], nearer[best]
        chosen.append(int(candidates[best]))
    return vectors[chosen]


def random_start(vectors: Vectors, count: int, stream: np.random.RandomState) -> Vectors:
    """``count`` different rows."""
    shares = np.full(len(vectors), 1 / len(vectors))
    return vectors[stream.choice(len(vectors), size=count, replace=False, p=shares)]


def _squared_distances(
    vectors: Vectors,
    norms: NDArray[np.float64],
    centres: NDArray[np.int64],
    *,
    spread: Spread,
    check: Check,
) -> Vectors:
    """(centres, n) squared distances, rounded to the precision of the vectors."""
    targets, lengths = vectors[centres].astype(np.float64), norms[centres][:, None]
    distances = np.empty((len(centres), len(vectors)), dtype=vectors.dtype)

    def measure(rows: slice) -> None:
        squared = lengths + norms[rows]
        squared -= 2 * (targets @ vectors[rows].astype(np.float64).T)
        distances[:, rows] = np.maximum(squared, 0)

    for _ in spread(measure, list(blocks(len(vectors))), check):
        pass
    return distances
