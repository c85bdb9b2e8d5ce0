"""Fit on some documents, and put the others where their neighbours are."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.runtime.blocks import blocks, rows_at_once
from clustering_pipeline.engine.runtime.threads import in_parallel
from clustering_pipeline.engine.vectors import (
    NOISE,
    Labels,
    Vectors,
    as_vectors,
    directed,
    never,
    unit_rows,
)
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.progress import Check

VOTERS = 15
ROWS = 256
STRETCH = 64  # columns of which one maximum is taken at once


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Groups of documents that were not fitted: ``labels`` (n,) int64, -1 where noise prevails,
    and ``probabilities`` (n,) float64, the share of the neighbours that agree.
    """

    labels: Labels
    probabilities: NDArray[np.float64]


def sample_rows(count: int, size: int | None, *, random_state: int = 42) -> NDArray[np.int64]:
    """``size`` of ``count`` rows, uniformly and in order; all of them when size is None or more.

    Raises ``InvalidParameters`` for a size that is no number of documents.
    """
    if size is not None and not (isinstance(size, Integral) and size > 0):
        message = f"sample_size must be a whole number above 0, or None for all, not {size!r}"
        raise InvalidParameters(message)
    if size is None or size >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(random_state).choice(count, size, replace=False))


def assign(
    vectors: ArrayLike,
    fitted: ArrayLike,
    labels: ArrayLike,
    *,
    voters: int = VOTERS,
    check: Check = never,
) -> Assignment:
    """Give each of (n, d) ``vectors`` the label most of its nearest ``fitted`` vectors have.

    Nearest by cosine; a tie goes to the label of the nearer neighbours.  Noise has a vote like any
    group, so what lies among noise stays noise, as does a zero vector, which is near nothing.  The
    same on any number of threads.
    """
    points, known = as_vectors(vectors), unit_rows(as_vectors(fitted)).astype(np.float32)
    votes_of = np.asarray(labels, dtype=np.int64)
    answers, shares = np.empty(len(points), dtype=np.int64), np.empty(len(points))

    def place(rows: slice) -> None:
        units = unit_rows(points[rows]).astype(np.float32)
        nearest = _nearest(units @ known.T, min(voters, len(known)))
        answers[rows], shares[rows] = _vote(votes_of[nearest])

    step = rows_at_once(*known.shape, most=ROWS)
    for _ in in_parallel(place, list(blocks(len(points), step)), check):
        pass
    answers[~directed(points, "cosine")] = NOISE
    return Assignment(labels=answers, probabilities=np.where(answers >= 0, shares, 0))


def assign_to_centroids(
    vectors: ArrayLike,
    middles: Vectors,
    *,
    rows: NDArray[np.int64] | None = None,
    check: Check = never,
) -> Labels:
    """The nearest of the (k, d) centroids by Euclidean distance, as k-means predicts.

    Of (n, d) ``vectors``, or of some of their ``rows``, which are not copied at once.
    """
    points = as_vectors(vectors)
    chosen = np.arange(len(points)) if rows is None else rows
    centers = middles.astype(np.float64)
    squares = (centers**2).sum(axis=1)
    answers = np.empty(len(chosen), dtype=np.int64)

    def place(block: slice) -> None:
        products = points[chosen[block]].astype(np.float64) @ centers.T
        answers[block] = (squares - 2 * products).argmin(axis=1)

    for _ in in_parallel(place, list(blocks(len(chosen))), check):
        pass
    return answers


def _nearest(cosines: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The columns of the ``count`` largest values of each row, largest first.

    They lie in the ``count`` stretches of columns with the largest maxima, or in the last columns
    that fill no stretch: only those are looked through.
    """
    whole = cosines.shape[1] // STRETCH
    if whole <= 2 * count:
        return _largest(cosines, count)
    tops = cosines[:, : whole * STRETCH].reshape(len(cosines), whole, STRETCH).max(axis=2)
    stretches = np.argpartition(-tops, count - 1, axis=1)[:, :count]
    inside = (stretches[:, :, None] * STRETCH + np.arange(STRETCH)).reshape(len(cosines), -1)
    rest = np.arange(whole * STRETCH, cosines.shape[1])
    columns = np.hstack([np.sort(inside, axis=1), np.tile(rest, (len(cosines), 1))])
    largest = _largest(np.take_along_axis(cosines, columns, axis=1), count)
    return np.take_along_axis(columns, largest, axis=1)


def _largest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    some = np.argpartition(-values, count - 1, axis=1)[:, :count]
    some.sort(axis=1)
    order = np.argsort(-np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _vote(votes: NDArray[np.int64]) -> tuple[Labels, NDArray[np.float64]]:
    """Each row's most frequent label, and its share; ties go to the one that comes first."""
    agreeing = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    winner = agreeing.argmax(axis=1)
    each = np.arange(len(votes))
    return votes[each, winner], agreeing[each, winner] / votes.shape[1]
