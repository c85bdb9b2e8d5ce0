"""Where documents go when the groups that hold them are grouped in turn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors, unit_rows

_BLOCK = 4_096


@dataclass(frozen=True, kw_only=True)
class Memberships:
    """One line for each document and group that holds it: ``rows``, ``groups`` (-1: none) and how
    surely, ``probabilities``.
    """

    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Followed:
    """(n,) the place of each document, -1 for noise, and how surely it is there."""

    places: Labels
    probabilities: NDArray[np.float64]


def follow_groups(
    vectors: Vectors, members: Memberships, went: Labels, centroids: Vectors, sizes: Labels
) -> Followed:
    """Documents go where their groups went: ``went`` (m,) is the place of each group, -1 for none.

    One whose groups went to different places goes to the nearest of them by cosine, of the (m, d)
    ``centroids`` of the groups there, weighed by their ``sizes``.  What no group held is noise.
    """
    places = np.where(members.groups >= 0, np.append(went, NOISE)[members.groups], NOISE)
    held = np.flatnonzero(places >= 0)
    pairs = np.unique(np.stack([members.rows[held], places[held]]), axis=1)
    followed = np.full(len(vectors), NOISE, dtype=np.int64)
    rows, first, count = np.unique(pairs[0], return_index=True, return_counts=True)
    followed[rows] = pairs[1][first]
    torn = np.repeat(count > 1, count)
    if torn.any():
        middles = unit_rows(_middles(went, centroids, sizes))
        followed[rows[count > 1]] = _nearest(vectors, *pairs[:, torn], middles)
    return Followed(places=followed, probabilities=_surest(members, places, followed))


def _nearest(vectors: Vectors, rows: Labels, places: Labels, middles: Vectors) -> Labels:
    """Of each row, in order, the place whose middle is nearest; of those as near the first."""
    cosines = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        cosines[part] = np.einsum("ij,ij->i", vectors[rows[part]], middles[places[part]])
    order = np.lexsort((places, -cosines, rows))
    _, first = np.unique(rows[order], return_index=True)
    nearest: Labels = places[order][first]
    return nearest


def _middles(went: Labels, centroids: Vectors, sizes: Labels) -> Vectors:
    """(places, d) the means of the centroids that went to each place, weighed by size."""
    count = int(went.max(initial=NOISE)) + 1
    middles = np.zeros((count, centroids.shape[1]))
    placed = went >= 0
    np.add.at(middles, went[placed], centroids[placed] * sizes[placed, None])
    weight = np.bincount(went[placed], weights=sizes[placed], minlength=count)
    means: Vectors = middles / np.maximum(weight, 1)[:, None]
    return means


def _surest(members: Memberships, places: Labels, followed: Labels) -> NDArray[np.float64]:
    """(n,) of the groups that took a document where it is, the largest probability."""
    probabilities = np.zeros(len(followed))
    same = (places >= 0) & (places == followed[members.rows])
    np.maximum.at(probabilities, members.rows[same], members.probabilities[same])
    return probabilities
