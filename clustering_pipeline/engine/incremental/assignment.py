"""Which of the groups that are there a new document belongs to, if any."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from clustering_pipeline.engine.incremental.reference import Reference, Scores
from clustering_pipeline.engine.vectors import (
    NOISE,
    Check,
    Labels,
    Vectors,
    as_vectors,
    never,
    unit_rows,
)

THRESHOLD = 0.5
"""The contract's ``assignment_threshold``: the least cosine to a group's centroid."""
BLOCK = 2_048
_SURE = 1e-9


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
    starts = range(0, len(points), BLOCK)
    blocks = [_block(reference, points[start : start + BLOCK], check) for start in starts]
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


def _block(reference: Reference, points: Vectors, check: Check) -> _Block:
    check()
    units = unit_rows(points).astype(np.float32)
    middles = units @ reference.centroids.T
    single = units @ reference.exemplars.T
    affinity = (middles + np.maximum.reduceat(single, reference.starts[:-1], axis=1)) / 2
    groups = affinity.argmax(axis=1)
    rows = np.arange(len(points))
    return _Block(
        groups=groups,
        affinity=affinity[rows, groups].astype(np.float64),
        cosines=middles[rows, groups].astype(np.float64),
    )
