"""The ways of grouping that are tried, and how their documents settle in the nearest groups."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.auto.space import MANIFOLD, OUTLYING, Space
from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.hdbscan import fit_hdbscan
from clustering_pipeline.engine.runtime.blocks import blocks, group_sums
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors

FEWEST = 2
# Groups per root of the documents: what is read as topics, 20 to 100 for 5,000 documents.
FINE = (0.28, 1.38)
CUTS = 18
ROUNDS = 30


def settle(units: Vectors, labels: Labels) -> Labels:
    """``labels`` after at most ``ROUNDS`` moves of all documents in groups; noise stays.

    ``units`` are (n, d) rows of length one.  The mean cosine distance of a document to a group is
    one minus its product with the group's mean, so this descends along the silhouette.
    """
    inside = np.flatnonzero(labels >= 0)
    points, current = units[inside], canonical(labels[inside])
    with one_thread():
        for _ in range(ROUNDS):
            moved = canonical(_nearest(points, group_means(points, current)))
            if (moved == current).all():
                break
            current = moved
    settled = np.full(len(labels), NOISE, dtype=np.int64)
    settled[inside] = current
    return settled


def group_means(units: Vectors, labels: Labels) -> NDArray[np.float64]:
    """(k, d) means of the groups' rows; shorter where the group is wider."""
    count = group_count(labels)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    return group_sums(units, labels, count) / np.maximum(sizes, 1)[:, None]


def nearest_groups(units: Vectors, means: NDArray[np.float64]) -> Labels:
    """For every row the group of least mean cosine distance."""
    with one_thread():
        return _nearest(units, means)


def _nearest(units: Vectors, means: NDArray[np.float64]) -> Labels:
    answers = np.empty(len(units), dtype=np.int64)
    for rows in blocks(len(units)):
        answers[rows] = (units[rows].astype(np.float64) @ means.T).argmax(axis=1)
    return answers


class Candidate(Protocol):
    """A way of grouping: what it is called in the record, and what it makes of a space."""

    @property
    def chance(self) -> bool:
        """Whether another seed may find other groups."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def described(self) -> dict[str, object]:
        """Preprocessing, algorithm and parameters."""
        ...

    def labels(self, space: Space) -> Labels:
        """Canonical groups of all rows of ``space``."""
        ...


@dataclass(frozen=True, kw_only=True)
class WardCut:
    """Ward's tree without the outliers, cut at ``groups``, then settled."""

    groups: int
    chance: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What people call it."""
        return f"Ward's tree cut at {self.groups}"

    def described(self) -> dict[str, object]:
        """Preprocessing, algorithm and parameters."""
        return {
            "preprocessing": [],
            "algorithm": "agglomerative",
            "params": {"linkage": "ward", "n_clusters": self.groups},
            "normalised": "rows to length one",
            "noise": f"outlier score from {OUTLYING}",
            "settled": True,
        }

    def labels(self, space: Space) -> Labels:
        """Canonical groups of all rows of ``space``."""
        from scipy.cluster.hierarchy import fcluster  # noqa: PLC0415 - heavy

        labels = np.full(len(space.vectors), NOISE, dtype=np.int64)
        count = min(self.groups, int((~space.outside).sum()))
        labels[~space.outside] = fcluster(space.joins, count, criterion="maxclust") - 1
        return settle(space.units, labels)


@dataclass(frozen=True, kw_only=True)
class Density:
    """HDBSCAN on the manifold; ``settled`` lets noise that is no outlier join the nearest group."""

    min_cluster_size: int
    min_samples: int
    settled: bool
    chance: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """What people call it."""
        sizes = f"min_cluster_size {self.min_cluster_size}, min_samples {self.min_samples}"
        return f"HDBSCAN after UMAP ({sizes}){', noise settled' if self.settled else ''}"

    def described(self) -> dict[str, object]:
        """Preprocessing, algorithm and parameters."""
        return {
            "preprocessing": [MANIFOLD],
            "algorithm": "hdbscan",
            "params": {"min_cluster_size": self.min_cluster_size, "min_samples": self.min_samples},
            "noise": f"outlier score from {OUTLYING}" if self.settled else "between dense regions",
            "settled": self.settled,
        }

    def labels(self, space: Space) -> Labels:
        """Canonical groups of all rows of ``space``."""
        labels = fit_hdbscan(
            space.manifold,
            min_cluster_size=self.min_cluster_size,
            min_samples=self.min_samples,
            check=space.check,
        ).labels
        return settle(space.units, _joined(space, labels)) if self.settled else canonical(labels)


def _joined(space: Space, labels: Labels) -> Labels:
    """Outliers as noise, and every other row in a group to settle from."""
    known = canonical(np.where(space.outside, NOISE, labels))
    if known.max(initial=NOISE) >= 0:
        adrift = (known < 0) & ~space.outside
        known[adrift] = nearest_groups(space.units[adrift], group_means(space.units, known))
    return known


def candidates(count: int, cuts: int = CUTS) -> list[Candidate]:
    """What is tried for ``count`` documents: cuts from two groups to the finest, and densities."""
    finest = max(FEWEST, int(FINE[1] * count**0.5))
    counts = np.unique(np.geomspace(FEWEST, finest, cuts).round().astype(int))
    small = max(5, int(count**0.5 / 7))
    densities = [
        Density(min_cluster_size=size, min_samples=near, settled=settled)
        for size, near in ((small, small), (2 * small, 3))
        for settled in (False, True)
    ]
    return [*(WardCut(groups=int(groups)) for groups in counts), *densities]
