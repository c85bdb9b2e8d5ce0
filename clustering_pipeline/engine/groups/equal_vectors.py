"""Documents with equal vectors are in one group, whatever an approximate method makes of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.screening import first_copies
from clustering_pipeline.engine.vectors import Labels, Vectors


@dataclass(frozen=True, kw_only=True)
class Together:
    """``labels`` (n,) and ``probabilities`` (n,) that equal rows share; ``moved`` rows had another
    label before.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    moved: int = 0


def together(vectors: Vectors, labels: Labels, probabilities: NDArray[np.float64]) -> Together:
    """Give equal rows of (n, d) vectors the group that most of them are in, noise if none is.

    A tie goes to the group of the first of them.  Their probability is the mean of those that were
    in the group.
    """
    first = first_copies(vectors)
    if (first == np.arange(len(first))).all():
        return Together(labels=labels, probabilities=probabilities)
    _, kind = np.unique(first, return_inverse=True)
    pairs, seen, pair, votes = np.unique(
        np.column_stack([kind, labels]),
        axis=0,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    order = np.lexsort((seen, -votes, pairs[:, 1] < 0, pairs[:, 0]))
    _, leading = np.unique(pairs[order, 0], return_index=True)
    chosen = order[leading]
    means = np.bincount(pair.ravel(), weights=probabilities) / votes
    shared = pairs[chosen, 1][kind]
    alone = np.bincount(kind)[kind] == 1
    return Together(
        labels=shared,
        probabilities=np.where(alone, probabilities, means[chosen][kind]),
        moved=int((shared != labels).sum()),
    )
