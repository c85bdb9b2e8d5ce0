"""Canonical group numbers: 0 is the largest group, ties go to the one with the smallest row."""

import numpy as np
from numpy.typing import ArrayLike

from clustering_pipeline.engine.vectors import NOISE, Labels


def canonical(labels: ArrayLike) -> Labels:
    """``labels`` renumbered; every negative label is noise and stays -1."""
    given = np.asarray(labels, dtype=np.int64)
    grouped = given >= 0
    _, first, inverse, sizes = np.unique(
        given[grouped], return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    numbered = np.full(len(given), NOISE, dtype=np.int64)
    numbered[grouped] = rank[inverse]
    return numbered


def group_count(labels: Labels) -> int:
    """How many groups there are, noise apart."""
    return int(labels.max(initial=NOISE)) + 1
