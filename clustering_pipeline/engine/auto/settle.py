"""Let every document move to the group it is nearest to on average, until none moves."""

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.runtime.blocks import blocks, group_sums
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors

ROUNDS = 30


def settle(units: Vectors, labels: Labels, *, rounds: int = ROUNDS) -> Labels:
    """``labels`` after at most ``rounds`` moves of all documents in groups; noise stays.

    ``units`` are (n, d) rows of length one.  The mean cosine distance of a document to a group is
    one minus its product with the group's mean, so this descends along the silhouette.
    """
    inside = np.flatnonzero(labels >= 0)
    points, current = units[inside], canonical(labels[inside])
    with one_thread():
        for _ in range(rounds):
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
