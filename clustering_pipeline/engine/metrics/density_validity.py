"""Density-based clustering validation, DBCV (Moulavi et al., 2014), as the hdbscan package has it.

Its powers of distances overflow in hundreds of dimensions, and it holds several tables of all pairs
of a group; here the powers are added as logarithms, and one table is held.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.centroids import members_of
from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.runtime.blocks import blocks
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.sampling import sample_rows
from clustering_pipeline.engine.vectors import Labels, as_vectors, never
from clustering_pipeline.model.progress import Check

SAMPLE = 10_000
SMALLEST = 2
ROWS = 512


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The points inside a group's spanning tree, their core distances, and its sparsest edge."""

    points: NDArray[np.float64]
    core: NDArray[np.float64]
    sparseness: float
    size: int


def density_validity(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    sample: int = SAMPLE,
    random_state: int = 42,
    check: Check = never,
) -> float | None:
    """DBCV in [-1, 1] in the space of ``vectors``, which should be the one that was clustered.

    Measured on a seeded sample of at most ``sample`` documents, noise included; None when fewer
    than two groups of two remain.
    """
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    rows = sample_rows(len(points), sample, random_state=random_state)
    points, groups = points[rows], _without_singles(groups[rows])
    if group_count(groups) < 2:
        return None
    with one_thread():
        parts = [_inside(points[inside].astype(np.float64), check) for inside in members_of(groups)]
        gaps = _separations(parts, check)
    value = sum(
        part.size * _validity(gap, part.sparseness) for part, gap in zip(parts, gaps, strict=True)
    ) / len(points)
    return value if math.isfinite(value) else None


def _validity(separation: float, sparseness: float) -> float:
    """How far a group's surroundings are sparser than itself."""
    largest = max(separation, sparseness)
    return (separation - sparseness) / largest if largest > 0 else 0.0


def _without_singles(labels: Labels) -> Labels:
    """Groups of one are noise to a density, and the others are numbered without gaps."""
    names, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    large = (names >= 0) & (sizes >= SMALLEST)
    numbers = np.where(large, np.cumsum(large) - 1, -1)
    return numbers[inverse]


def _inside(points: NDArray[np.float64], check: Check) -> _Group:
    reach, core = _reachability(points, check)
    edges = _tree(reach, check)
    ends, weights = edges[:, :2].astype(np.int64), edges[:, 2]
    inner = np.flatnonzero(np.bincount(ends.ravel(), minlength=len(points)) > 1)
    inner = inner if len(inner) else np.zeros(1, dtype=np.int64)
    between = np.isin(ends, inner).all(axis=1)
    return _Group(
        points=points[inner],
        core=core[inner],
        sparseness=float(weights[between].max() if between.any() else weights.max()),
        size=len(points),
    )


def _reachability(
    points: NDArray[np.float64], check: Check
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, n) mutual reachability distances, and (n,) core distances over all other points.

    A core distance is the distances' power mean with the dimensions, negated, for exponent.  What
    is 0 away counts as infinitely far, and where nothing else is it is 0.  As in the package,
    rounding may leave copies of long rows a little apart.
    """
    from scipy.special import logsumexp  # noqa: PLC0415 - heavy
    from sklearn.metrics.pairwise import euclidean_distances  # noqa: PLC0415 - heavy

    count, dimensions = points.shape
    reach, core = np.empty((count, count)), np.empty(count)
    for rows in blocks(count, ROWS, check):
        distances = euclidean_distances(points[rows], points)
        distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = 0
        reach[rows] = distances
        with np.errstate(divide="ignore"):
            densities = -dimensions * np.log(distances)
        densities[distances == 0] = -np.inf
        core[rows] = logsumexp(densities, axis=1)
    alone = np.isneginf(core)
    with np.errstate(over="ignore"):
        core = np.where(alone, 0, np.exp((np.log(count - 1) - core) / dimensions))
    for rows in blocks(count, ROWS, check):
        np.maximum(reach[rows], core, out=reach[rows])
        np.maximum(reach[rows], core[rows][:, None], out=reach[rows])
    return reach, core


def _tree(reach: NDArray[np.float64], check: Check) -> NDArray[np.float64]:
    """(n - 1, 3) the ends and weights of the spanning tree, by the package's own code.

    It leaves open which of the points that were there a new one was joined to: the first that is
    as near.
    """
    from hdbscan.hdbscan_ import mst_linkage_core  # noqa: PLC0415 - heavy

    edges = mst_linkage_core(reach)
    joined = np.zeros(len(reach), dtype=bool)
    joined[edges[0, :2].astype(np.int64)] = True
    for rows in blocks(len(edges) - 1, ROWS, check):
        for edge in range(rows.start + 1, rows.stop + 1):
            new = int(edges[edge, 1])
            near = np.isclose(reach[new], edges[edge, 2]) & joined
            edges[edge, 0] = int(np.argmax(near))
            joined[new] = True
    return edges


def _separations(parts: list[_Group], check: Check) -> NDArray[np.float64]:
    """For each group the least mutual reachability from a point inside it to one in another."""
    from sklearn.metrics.pairwise import euclidean_distances  # noqa: PLC0415 - heavy

    points = np.concatenate([part.points for part in parts])
    core = np.concatenate([part.core for part in parts])
    sizes = [len(part.points) for part in parts]
    own, starts = np.repeat(np.arange(len(parts)), sizes), np.cumsum([0, *sizes[:-1]])
    nearest = np.full(len(parts), np.inf)
    for rows in blocks(len(points), ROWS, check):
        reach = euclidean_distances(points[rows], points)
        np.maximum(reach, core, out=reach)
        np.maximum(reach, core[rows][:, None], out=reach)
        lowest = np.minimum.reduceat(reach, starts, axis=1)
        lowest[np.arange(len(lowest)), own[rows]] = np.inf
        np.minimum.at(nearest, own[rows], lowest.min(axis=1))
    return nearest
