"""What stands for each group, and how tight and how far apart the groups are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.vectors import Labels, Vectors, as_vectors, never, unit_rows
from clustering_pipeline.model.progress import Check

NOWHERE = -1
DIGITS = 9  # of sums of cosines, beyond which there is rounding only


@dataclass(frozen=True, kw_only=True)
class Centroids:
    """One row per group, in the order of their numbers; k groups, n documents, d dimensions.

    ``vectors`` (k, d), ``sizes`` (k,), ``variance`` (k,): the mean squared Euclidean distance to
    the centroid.  ``distances`` (n,): cosine distance of each document to its own centroid, NaN
    for noise.  ``mean_cosine`` and ``min_cosine`` (k,): cosine of the members to the centroid.
    ``nearest`` (k,) is the closest other group (-1 when there is none) and ``separation`` (k,) the
    cosine distance to its centroid (NaN when there is none).
    """

    method: str
    vectors: NDArray[np.float32]
    sizes: NDArray[np.int64]
    variance: NDArray[np.float64]
    distances: NDArray[np.float64]
    mean_cosine: NDArray[np.float64]
    min_cosine: NDArray[np.float64]
    nearest: NDArray[np.int64]
    separation: NDArray[np.float64]


def centroids(
    vectors: ArrayLike, labels: ArrayLike, method: str = "mean", *, check: Check = never
) -> Centroids:
    """Centroids of the groups in ``labels`` by ``mean``, ``median`` or ``medoid``."""
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    members = members_of(groups)
    represent = METHODS[method]
    middles = np.empty((len(members), points.shape[1]), dtype=np.float64)
    for group, rows in enumerate(members):
        check()
        middles[group] = represent(points[rows].astype(np.float64))
    return around(points, groups, middles, method)


def around(
    vectors: ArrayLike, labels: ArrayLike, middles: NDArray[np.float64], method: str = "mean"
) -> Centroids:
    """The same for groups whose (k, d) ``middles`` stay, whoever their members are now."""
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    members = members_of(groups)
    cosines = _cosines(points, middles, groups)
    nearest, separation = _nearest(middles)
    return Centroids(
        method=method,
        vectors=middles.astype(np.float32),
        sizes=np.array([len(rows) for rows in members], dtype=np.int64),
        variance=_variance(points, middles, members),
        distances=np.where(groups >= 0, 1 - cosines, np.nan),
        mean_cosine=np.array([cosines[rows].mean() for rows in members]),
        min_cosine=np.array([cosines[rows].min() for rows in members]),
        nearest=nearest,
        separation=separation,
    )


def members_of(labels: Labels) -> list[NDArray[np.int64]]:
    """The rows of each group, ascending."""
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(group_count(labels) + 1))
    return [order[start:end] for start, end in pairwise(bounds)]


def _medoid(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The member with the smallest sum of cosine distances to the others; the first of equals.

    Two members are always equally near to each other: without rounding, chance would decide.
    """
    units = unit_rows(points)
    nearness = np.einsum("ij,j->i", units, units.sum(axis=0))
    return points[int(np.argmax(np.round(nearness, DIGITS)))]


METHODS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = MappingProxyType(
    {
        "mean": lambda points: points.mean(axis=0),
        "median": lambda points: np.median(points, axis=0),
        "medoid": _medoid,
    }
)


def _cosines(points: Vectors, middles: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    cosines = np.zeros(len(points))
    grouped = np.flatnonzero(labels >= 0)
    if len(grouped):
        targets = unit_rows(middles)
        for rows in np.array_split(grouped, len(grouped) // 4096 + 1):
            own = points[rows].astype(np.float64)
            along = np.einsum("ij,ij->i", own, targets[labels[rows]])
            lengths = np.sqrt(np.einsum("ij,ij->i", own, own))
            cosines[rows] = np.divide(along, lengths, out=along * 0, where=lengths > 0)
    return np.clip(cosines, -1, 1)


def _variance(
    points: Vectors, middles: NDArray[np.float64], members: list[NDArray[np.int64]]
) -> NDArray[np.float64]:
    return np.array(
        [
            ((points[rows] - middle) ** 2).sum(axis=1).mean()
            for middle, rows in zip(middles, members, strict=True)
        ]
    )


def _nearest(middles: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if len(middles) < 2:
        return np.full(len(middles), NOWHERE), np.full(len(middles), np.nan)
    units = unit_rows(middles)
    cosines = np.clip(units @ units.T, -1, 1)
    np.fill_diagonal(cosines, -np.inf)
    return cosines.argmax(axis=1), 1 - cosines.max(axis=1)
