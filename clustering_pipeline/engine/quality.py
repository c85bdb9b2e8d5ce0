"""The contract's quality metrics, each with the space it was measured in."""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.centroids import Centroids, centroids
from clustering_pipeline.engine.numbering import group_count
from clustering_pipeline.engine.vectors import Labels, Vectors, as_vectors

SAMPLE = 10_000
DOMINANT = 0.9
NEED_GROUPS = ("silhouette_score", "davies_bouldin_index", "calinski_harabasz_score")


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What can be said about a grouping; a metric that means nothing here is ``None``.

    ``silhouette_score`` (cosine), ``davies_bouldin_index`` and ``calinski_harabasz_score``
    (Euclidean) leave noise out.
    """

    silhouette_score: float | None
    davies_bouldin_index: float | None
    calinski_harabasz_score: float | None
    degenerate: str | bool
    degenerate_detail: str | None
    avg_cluster_size: float | None
    noise_ratio: float
    cluster_size_entropy: float | None
    mean_cosine_to_centroid: float | None
    min_cosine_to_centroid: float | None
    space: str
    sampled: int

    def contract(self) -> dict[str, object]:
        """The fields of the contract, in JSON's own types."""
        return asdict(self) | {"davies_bouldin_score": self.davies_bouldin_index}


def quality(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    space: str = "original",
    sample: int = SAMPLE,
    random_state: int = 42,
    middles: Centroids | None = None,
) -> Quality:
    """Measure ``labels`` over ``vectors``; above ``sample`` documents on a seeded sample."""
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    middles = middles or centroids(points, groups)
    rows = _sample(len(points), sample, random_state)
    flag, detail = degenerate(groups)
    sizes = middles.sizes
    return Quality(
        **_scores(points[rows], groups[rows]),
        degenerate=flag,
        degenerate_detail=detail,
        avg_cluster_size=float(sizes.mean()) if len(sizes) else None,
        noise_ratio=float((groups < 0).mean()),
        cluster_size_entropy=_entropy(sizes) if len(sizes) else None,
        mean_cosine_to_centroid=_finite(np.average(middles.mean_cosine, weights=sizes))
        if len(sizes)
        else None,
        min_cosine_to_centroid=float(middles.min_cosine.min()) if len(sizes) else None,
        space=space,
        sampled=len(rows),
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


def _sample(count: int, limit: int, random_state: int) -> NDArray[np.int64]:
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(random_state).choice(count, limit, replace=False))


def _scores(points: Vectors, labels: Labels) -> dict[str, float | None]:
    from sklearn import metrics  # noqa: PLC0415 - heavy

    grouped = labels >= 0
    points, labels = points[grouped], labels[grouped]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return {name: None for name in NEED_GROUPS}  # noqa: C420 - fromkeys loses the type
    return {
        "silhouette_score": _finite(metrics.silhouette_score(points, labels, metric="cosine")),
        "davies_bouldin_index": _finite(metrics.davies_bouldin_score(points, labels)),
        "calinski_harabasz_score": _finite(metrics.calinski_harabasz_score(points, labels)),
    }


def _entropy(sizes: NDArray[np.int64]) -> float:
    shares = sizes / sizes.sum()
    return float(-(shares * np.log(shares)).sum())


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
