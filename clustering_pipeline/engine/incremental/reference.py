"""What new documents are compared with: of each group its centroid, some members, and its reach."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.centroids import METHODS, members_of
from clustering_pipeline.engine.vectors import Vectors, as_vectors, unit_rows

EXEMPLARS = 24
"""Members that stand for a group, from the nearest to its centroid to the farthest."""
_LOW = 0.01
_SPREADS = 3.0
_BORROWED = 20
"""How many members' worth a small group's spread takes from that of all groups."""
_FLAT = 1e-3
"""Least spread: of groups whose members are all alike, rounding tells nothing apart."""
_ONLY = -np.inf

Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """k groups in d dimensions; all vectors have length 1.

    ``exemplars`` (e, d) are grouped: those of group ``i`` are rows ``starts[i]:starts[i + 1]``.  A
    document's affinity to a group is the mean of its cosine to the centroid and that to the nearest
    exemplar; ``typical`` (k,) is the median over members, ``least`` (k,) what almost all of them
    reach.
    """

    centroids: NDArray[np.float32]
    exemplars: NDArray[np.float32]
    starts: NDArray[np.int64]
    typical: Scores
    least: Scores
    mean_cosine: float
    """Of all members, to the centroid of their group."""

    @property
    def k(self) -> int:
        """How many groups there are."""
        return len(self.centroids)

    def only(self, groups: Sequence[int]) -> "Reference":
        """Those of the groups, numbered in this order."""
        rows = [np.arange(self.starts[one], self.starts[one + 1]) for one in groups]
        return replace(
            self,
            centroids=self.centroids[groups],
            exemplars=self.exemplars[np.concatenate([np.zeros(0, dtype=np.int64), *rows])],
            starts=np.cumsum([0, *map(len, rows)]),
            typical=self.typical[groups],
            least=self.least[groups],
        )


def reference_of(vectors: ArrayLike, labels: ArrayLike, *, method: str = "mean") -> Reference:
    """Calibrates the groups that ``labels`` (n,) make of (n, d) vectors; -1 is in none.

    A group reaches as far as all but a hundredth of its members lie, each compared with the others
    only, and at least three spreads below their mean: of few members the farthest says
    little about how far the next one may lie.  The order of documents changes nothing but ties.
    """
    points = as_vectors(vectors)
    members = members_of(np.asarray(labels, dtype=np.int64))
    middles = np.empty((len(members), points.shape[1]))
    for group, rows in enumerate(members):
        middles[group] = METHODS[method](points[rows].astype(np.float64))
    centers = unit_rows(middles).astype(np.float32)
    chosen: list[Vectors] = []
    found: list[Scores] = []
    cosines: list[Scores] = []
    for rows, center in zip(members, centers, strict=True):
        units = unit_rows(points[rows])
        near = units.astype(np.float64) @ center
        picked = _picked(near)
        chosen.append(units[picked])
        cosines.append(near)
        apart = _to_mean_of_others(points[rows]) if method == "mean" else near
        found.append((apart + _to_others(units, picked)) / 2)
    return Reference(
        centroids=centers,
        exemplars=np.concatenate([np.empty((0, points.shape[1]), np.float32), *chosen]),
        starts=np.cumsum([0, *map(len, chosen)]),
        typical=np.array([float(np.median(one)) for one in found]),
        least=_least(found),
        mean_cosine=float(np.concatenate(cosines).mean()) if cosines else 0.0,
    )


def _picked(near: Scores) -> NDArray[np.int64]:
    order = np.argsort(-near, kind="stable")
    places = np.linspace(0, len(order) - 1, min(EXEMPLARS, len(order))).round().astype(np.int64)
    return order[np.unique(places)]


def _to_others(units: Vectors, picked: NDArray[np.int64]) -> Scores:
    """Cosine of each member to the nearest exemplar that is not itself."""
    cosines = (units @ units[picked].T).astype(np.float64)
    if len(picked) == 1:
        return cosines[:, 0]
    cosines[picked, np.arange(len(picked))] = _ONLY
    return cosines.max(axis=1)


def _to_mean_of_others(points: Vectors) -> Scores:
    """Cosine of each row to the mean of all others: to one that holds it, it is nearer."""
    wide = points.astype(np.float64)
    if len(wide) == 1:
        return np.ones(1)
    whole = wide.sum(axis=0)
    along, own = wide @ whole, np.einsum("ij,ij->i", wide, wide)
    others = np.maximum(whole @ whole - 2 * along + own, 0.0)
    lengths = np.sqrt(others * own)
    return np.divide(along - own, lengths, out=np.zeros(len(wide)), where=lengths > 0)


def _least(found: list[Scores]) -> Scores:
    if not found:
        return np.zeros(0)
    sizes = np.array(list(map(len, found)), dtype=np.float64)
    variances = np.array([float(one.var()) for one in found])
    pooled = float((variances * sizes).sum() / sizes.sum())
    spreads = np.sqrt((variances * sizes + pooled * _BORROWED) / (sizes + _BORROWED))
    means = np.array([float(one.mean()) for one in found])
    lows = np.array([float(np.quantile(one, _LOW)) for one in found])
    return np.minimum(lows, means - _SPREADS * np.maximum(spreads, _FLAT))
