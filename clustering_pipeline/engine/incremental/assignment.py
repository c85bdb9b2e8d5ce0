"""Which of the groups that are there a new document belongs to, if any."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.incremental.reference import Reference, Scores
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors, as_vectors, never, unit_rows
from clustering_pipeline.model.progress import Check

THRESHOLD = 0.5
"""The contract's ``assignment_threshold``: the least cosine to a group's centroid."""
BLOCK = 2_048
_SURE = 1e-9
_ROUNDED = 2e-3
"""What rounding may take from a bound: the sine of a small angle has half of a cosine's digits."""

_Scores = NDArray[np.float32]


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
    reference: Reference,
    vectors: ArrayLike,
    *,
    threshold: float = THRESHOLD,
    check: Check = never,
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


def _block(reference: Reference, widths: _Scores, points: Vectors, check: Check) -> _Block:
    check()
    units = unit_rows(points).astype(np.float32)
    middles = units @ reference.centroids.T
    rows, groups = np.arange(len(points)), middles.argmax(axis=1)
    affinity = _to_groups(reference, units, groups, middles[rows, groups])
    others = _most(widths, middles) >= affinity[:, None] - _ROUNDED
    others[rows, groups] = False
    doubtful = np.flatnonzero(others.any(axis=1))
    found = _to_all(reference, units[doubtful], middles[doubtful])
    groups[doubtful], affinity[doubtful] = found.argmax(axis=1), found.max(axis=1)
    return _Block(
        groups=groups,
        affinity=affinity.astype(np.float64),
        cosines=middles[rows, groups].astype(np.float64),
    )


def _to_groups(reference: Reference, units: Vectors, groups: Labels, cosines: _Scores) -> _Scores:
    """(m,) the affinity of each document to one group."""
    affinity = np.empty(len(units), dtype=np.float32)
    for group in np.unique(groups).tolist():
        rows = np.flatnonzero(groups == group)
        exemplars = reference.exemplars[reference.starts[group] : reference.starts[group + 1]]
        # Small products, which threads would only slow down.
        single = np.einsum("ij,kj->ik", units[rows], exemplars)
        affinity[rows] = (cosines[rows] + single.max(axis=1)) / 2
    return affinity


def _to_all(reference: Reference, units: Vectors, middles: _Scores) -> _Scores:
    """(m, k) the affinity of each document to every group."""
    single = units @ reference.exemplars.T
    return (middles + np.maximum.reduceat(single, reference.starts[:-1], axis=1)) / 2


def _most(widths: _Scores, middles: _Scores) -> _Scores:
    """(m, k) what no affinity is above, by the cosines to the centroids.

    No exemplar is nearer, as an angle, than the centroid is less the widest angle between them.
    """
    sines = np.sqrt(np.maximum(1 - middles**2, 0)) * np.sqrt(np.maximum(1 - widths**2, 0))
    return (middles + np.where(middles >= widths, 1, middles * widths + sines)) / 2


def _widths(reference: Reference) -> _Scores:
    """(k,) the cosine of the widest angle between a centroid and an exemplar of its group."""
    middles = np.repeat(reference.centroids, np.diff(reference.starts), axis=0)
    cosines = np.einsum("ij,ij->i", middles, reference.exemplars)
    return np.minimum.reduceat(cosines, reference.starts[:-1])
