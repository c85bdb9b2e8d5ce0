"""The contract's quality metrics, and the space they were measured in."""

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.centroids import Centroids, centroids
from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.metrics.density_validity import density_validity
from clustering_pipeline.engine.metrics.silhouette import cosine_silhouettes
from clustering_pipeline.engine.runtime.blocks import blocks, group_sums
from clustering_pipeline.engine.vectors import Labels, Vectors, as_vectors, never
from clustering_pipeline.model.progress import Check

DOMINANT = 0.9


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What can be said about a grouping; a metric that means nothing here is None, never NaN.

    ``silhouette_score`` (cosine), ``davies_bouldin_index`` and ``calinski_harabasz_score``
    (Euclidean) leave noise out and are exact, over all documents of ``space``.
    ``density_validity`` is None unless asked for.
    """

    silhouette_score: float | None = None
    davies_bouldin_index: float | None = None
    calinski_harabasz_score: float | None = None
    degenerate: str | bool
    degenerate_detail: str | None
    avg_cluster_size: float | None
    noise_ratio: float
    cluster_size_entropy: float | None
    mean_cosine_to_centroid: float | None = None
    min_cosine_to_centroid: float | None = None
    density_validity: float | None = None
    space: str

    def contract(self) -> dict[str, object]:
        """The fields of the contract, in JSON's own types."""
        return asdict(self) | {"davies_bouldin_score": self.davies_bouldin_index}


def quality(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    space: str = "original",
    middles: Centroids | None = None,
    clustered: ArrayLike | None = None,
    check: Check = never,
) -> Quality:
    """Measure ``labels`` over (n, d) ``vectors``.

    ``middles`` are their centroids, when the caller has them.  ``clustered`` are the vectors the
    algorithm saw: given, density validity is measured over a seeded sample of them.
    """
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    middles = middles or centroids(points, groups, check=check)
    sizes, measured = middles.sizes, spread(points, groups, check)
    return replace(
        counted(groups),
        silhouette_score=_silhouette(points, groups, check),
        davies_bouldin_index=davies_bouldin(measured),
        calinski_harabasz_score=calinski_harabasz(measured),
        mean_cosine_to_centroid=float(np.average(middles.mean_cosine, weights=sizes))
        if len(sizes)
        else None,
        min_cosine_to_centroid=float(middles.min_cosine.min()) if len(sizes) else None,
        density_validity=None
        if clustered is None
        else density_validity(clustered, groups, check=check),
        space=space,
    )


def counted(labels: ArrayLike) -> Quality:
    """What can be said without vectors: sizes, noise, and whether the groups say nothing."""
    groups = np.asarray(labels, dtype=np.int64)
    flag, detail = degenerate(groups)
    sizes = np.bincount(groups[groups >= 0])
    return Quality(
        degenerate=flag,
        degenerate_detail=detail,
        avg_cluster_size=float(sizes.mean()) if len(sizes) else None,
        noise_ratio=float((groups < 0).mean()),
        cluster_size_entropy=_entropy(sizes) if len(sizes) else None,
        space="payload",
    )


def degenerate(labels: Labels) -> tuple[str | bool, str | None]:
    """Whether a grouping says nothing: one group, only noise, only singletons, or one giant."""
    count, documents = group_count(labels), len(labels)
    if count == 0:
        return "all_noise", f"all {documents} documents are noise"
    largest = int(np.bincount(labels[labels >= 0]).max())
    if count == 1:
        return "single_cluster", f"one group holds {largest} of {documents} documents"
    if largest == 1:
        return "all_singletons", f"{count} groups of one document each"
    if largest >= DOMINANT * documents:
        return "dominant_cluster", f"the largest group holds {largest} of {documents} documents"
    return False, None


def _silhouette(points: ArrayLike, labels: Labels, check: Check) -> float | None:
    grouped = labels >= 0
    if not 2 <= group_count(labels) < int(grouped.sum()):
        return None
    return float(cosine_silhouettes(points, labels, check=check)[grouped].mean())


def _entropy(sizes: NDArray[np.int64]) -> float:
    shares = sizes / sizes.sum()
    return float(-(shares * np.log(shares)).sum())


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
