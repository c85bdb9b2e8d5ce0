"""How compact the groups are against the gaps between them, by Euclidean distance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.blocks import blocks, group_sums
from clustering_pipeline.engine.numbering import group_count
from clustering_pipeline.engine.vectors import Check, Labels, Vectors, never


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Per group: ``sizes`` (k,), ``means`` (k, d), the members' mean distance to them, ``radii``
    (k,), and the sum of its squares, ``scatter`` (k,).
    """

    sizes: NDArray[np.int64]
    means: NDArray[np.float64]
    radii: NDArray[np.float64]
    scatter: NDArray[np.float64]


def spread(vectors: Vectors, labels: Labels, check: Check = never) -> Spread:
    """Measure the groups of ``labels``; noise is left out."""
    groups = group_count(labels)
    sizes = np.bincount(labels[labels >= 0], minlength=groups)
    means = group_sums(vectors, labels, groups, check) / np.maximum(sizes, 1)[:, None]
    radii, scatter = np.zeros(groups), np.zeros(groups)
    for rows in blocks(len(vectors), check=check):
        inside = labels[rows] >= 0
        own = labels[rows][inside]
        squared = ((vectors[rows][inside] - means[own]) ** 2).sum(axis=1)
        np.add.at(radii, own, np.sqrt(squared))
        np.add.at(scatter, own, squared)
    return Spread(sizes=sizes, means=means, radii=radii / np.maximum(sizes, 1), scatter=scatter)


def davies_bouldin(groups: Spread) -> float | None:
    """Davies and Bouldin (1979): the mean over groups of the worst (radius + radius) / gap."""
    if len(groups.sizes) < 2:
        return None
    gaps = _gaps(groups.means)
    if gaps.max() <= 0 or groups.radii.max() <= 0:
        return 0.0
    gaps[gaps <= 0] = np.inf
    worst = ((groups.radii[:, None] + groups.radii) / gaps).max(axis=1)
    return float(worst.mean())


def calinski_harabasz(groups: Spread) -> float | None:
    """Calinski and Harabasz (1974): the variance between groups over the variance within."""
    count, documents = len(groups.sizes), int(groups.sizes.sum())
    if not 2 <= count < documents:
        return None
    middle = np.average(groups.means, axis=0, weights=groups.sizes)
    between = float(groups.sizes @ ((groups.means - middle) ** 2).sum(axis=1))
    within = float(groups.scatter.sum())
    return between * (documents - count) / (within * (count - 1)) if within > 0 else 1.0


def _gaps(means: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (means**2).sum(axis=1)
    squared = squares[:, None] + squares - 2 * means @ means.T
    np.fill_diagonal(squared, 0)
    return np.sqrt(np.maximum(squared, 0))
