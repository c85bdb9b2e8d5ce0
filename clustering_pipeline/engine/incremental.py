"""New documents into groups that are there already: no group is made, none is moved.

They are compared with the centroid of each group, some of its members, and its reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.centroids import METHODS, members_of
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors, as_vectors, never, unit_rows
from clustering_pipeline.model.progress import Check

THRESHOLD = 0.5
"""The contract's ``assignment_threshold``: the least cosine to a group's centroid."""
BLOCK = 2_048
_SURE = 1e-9
_ROUNDED = 2e-3
"""What rounding may take from a bound: the sine of a small angle has half of a cosine's digits."""
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
Affinities = NDArray[np.float32]


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
        rows = [np.arange(self.starts[group], self.starts[group + 1]) for group in groups]
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
    affinities: list[Scores] = []
    cosines: list[Scores] = []
    for rows, center in zip(members, centers, strict=True):
        units = unit_rows(points[rows])
        near = units.astype(np.float64) @ center
        picked = _picked(near)
        chosen.append(units[picked])
        cosines.append(near)
        apart = _to_mean_of_others(points[rows]) if method == "mean" else near
        affinities.append((apart + _to_others(units, picked)) / 2)
    return Reference(
        centroids=centers,
        exemplars=np.concatenate([np.empty((0, points.shape[1]), np.float32), *chosen]),
        starts=np.cumsum([0, *map(len, chosen)]),
        typical=np.array([float(np.median(own)) for own in affinities]),
        least=_least(affinities),
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


def _least(affinities: list[Scores]) -> Scores:
    if not affinities:
        return np.zeros(0)
    sizes = np.array(list(map(len, affinities)), dtype=np.float64)
    variances = np.array([float(own.var()) for own in affinities])
    pooled = float((variances * sizes).sum() / sizes.sum())
    spreads = np.sqrt((variances * sizes + pooled * _BORROWED) / (sizes + _BORROWED))
    means = np.array([float(own.mean()) for own in affinities])
    lows = np.array([float(np.quantile(own, _LOW)) for own in affinities])
    return np.minimum(lows, means - _SPREADS * np.maximum(spreads, _FLAT))


@dataclass(frozen=True, kw_only=True, eq=False)
class Assigned:
    """``labels`` (m,) are groups of the reference, -1 for what is new to all of them.

    ``nearest`` (m,) is the group of greatest affinity, also where it is out of reach (-1 without
    groups); ``cosines`` (m,) are to its centroid.  ``probabilities`` (m,): 1 for a document as near
    as the group's median member, 0 from the end of its reach.
    """

    labels: Labels
    nearest: Labels
    cosines: Scores
    probabilities: Scores


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    """Of each document the group of greatest affinity, that, and the cosine to its centroid."""

    groups: Labels
    affinity: Scores
    cosines: Scores


def assign_to(
    reference: Reference, vectors: ArrayLike, *, threshold: float = THRESHOLD, check: Check = never
) -> Assigned:
    """Puts (m, d) vectors into groups of the reference, or into none of them.

    A document belongs to the group of greatest affinity when that is at least what almost all
    members of the group reach, and its cosine to the centroid at least ``threshold``.
    """
    points = as_vectors(vectors)
    if not reference.k:
        nothing, alone = np.zeros(len(points)), np.full(len(points), NOISE)
        return Assigned(labels=alone, nearest=alone, cosines=nothing, probabilities=nothing)
    starts, widths = range(0, len(points), BLOCK), _widths(reference)
    blocks = [_block(reference, widths, points[start : start + BLOCK], check) for start in starts]
    groups = np.concatenate([block.groups for block in blocks])
    affinity = np.concatenate([block.affinity for block in blocks])
    cosines = np.concatenate([block.cosines for block in blocks])
    least, typical = reference.least[groups], reference.typical[groups]
    inside = (affinity >= least) & (cosines >= threshold)
    sure = np.clip((affinity - least) / np.maximum(typical - least, _SURE), 0.0, 1.0)
    return Assigned(
        labels=np.where(inside, groups, NOISE),
        nearest=groups,
        cosines=cosines,
        probabilities=np.where(inside, sure, 0.0),
    )


def _block(reference: Reference, widths: Affinities, points: Vectors, check: Check) -> _Block:
    check()
    units = unit_rows(points).astype(np.float32)
    middles = units @ reference.centroids.T
    rows, groups = np.arange(len(points)), middles.argmax(axis=1)
    affinity = _to_groups(reference, units, groups, middles[rows, groups])
    others = _most(widths, middles) >= affinity[:, None] - _ROUNDED
    others[rows, groups] = False
    doubtful = np.flatnonzero(others.any(axis=1))
    every = _to_all(reference, units[doubtful], middles[doubtful])
    groups[doubtful], affinity[doubtful] = every.argmax(axis=1), every.max(axis=1)
    return _Block(
        groups=groups,
        affinity=affinity.astype(np.float64),
        cosines=middles[rows, groups].astype(np.float64),
    )


def _to_groups(
    reference: Reference, units: Vectors, groups: Labels, cosines: Affinities
) -> Affinities:
    """(m,) the affinity of each document to one group."""
    affinity = np.empty(len(units), dtype=np.float32)
    for group in np.unique(groups).tolist():
        rows = np.flatnonzero(groups == group)
        exemplars = reference.exemplars[reference.starts[group] : reference.starts[group + 1]]
        # Small products, which threads would only slow down.
        single = np.einsum("ij,kj->ik", units[rows], exemplars)
        affinity[rows] = (cosines[rows] + single.max(axis=1)) / 2
    return affinity


def _to_all(reference: Reference, units: Vectors, middles: Affinities) -> Affinities:
    """(m, k) the affinity of each document to every group."""
    single = units @ reference.exemplars.T
    return (middles + np.maximum.reduceat(single, reference.starts[:-1], axis=1)) / 2


def _most(widths: Affinities, middles: Affinities) -> Affinities:
    """(m, k) what no affinity is above, by the cosines to the centroids.

    No exemplar is nearer, as an angle, than the centroid is less the widest angle between them.
    """
    sines = np.sqrt(np.maximum(1 - middles**2, 0)) * np.sqrt(np.maximum(1 - widths**2, 0))
    return (middles + np.where(middles >= widths, 1, middles * widths + sines)) / 2


def _widths(reference: Reference) -> Affinities:
    """(k,) the cosine of the widest angle between a centroid and an exemplar of its group."""
    middles = np.repeat(reference.centroids, np.diff(reference.starts), axis=0)
    cosines = np.einsum("ij,ij->i", middles, reference.exemplars)
    return np.minimum.reduceat(cosines, reference.starts[:-1])
