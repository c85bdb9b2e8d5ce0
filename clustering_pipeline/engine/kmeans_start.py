"""The first centres of k-means, drawn exactly as scikit-learn draws them, in less time.

Arthur and Vassilvitskii (2007), with the greedy trials of scikit-learn.  Its distances are summed
in double precision from small pieces of the data whose norms are taken anew for every centre; here
they are taken once.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.blocks import blocks
from clustering_pipeline.engine.threads import Spread
from clustering_pipeline.engine.vectors import Check, Vectors


def spread_start(
    vectors: Vectors, count: int, stream: np.random.RandomState, spread: Spread, check: Check
) -> Vectors:
    """``count`` rows of ``vectors``, each far from those before it."""
    squared = partial(_squared_distances, vectors, spread=spread, check=check)
    norms = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    trials = 2 + int(np.log(count))
    shares = np.full(len(vectors), 1 / len(vectors))
    chosen = [int(stream.choice(len(vectors), p=shares))]
    closest = squared(norms, np.array(chosen))[0]
    potential = closest.sum(dtype=np.float64)
    while len(chosen) < count:
        drawn = stream.uniform(size=trials) * potential
        places = np.searchsorted(np.cumsum(closest), drawn)
        candidates = np.minimum(places, len(vectors) - 1)
        nearer = np.minimum(closest, squared(norms, candidates))
        potentials = nearer.sum(axis=1, dtype=np.float64)
        best = int(potentials.argmin())
        potential, closest = potentials[best], nearer[best]
        chosen.append(int(candidates[best]))
    return vectors[chosen]


def random_start(vectors: Vectors, count: int, stream: np.random.RandomState) -> Vectors:
    """``count`` different rows."""
    shares = np.full(len(vectors), 1 / len(vectors))
    return vectors[stream.choice(len(vectors), size=count, replace=False, p=shares)]


def _squared_distances(
    vectors: Vectors,
    norms: NDArray[np.float64],
    centres: NDArray[np.int64],
    *,
    spread: Spread,
    check: Check,
) -> Vectors:
    """(centres, n) squared distances, rounded to the precision of the vectors."""
    targets, lengths = vectors[centres].astype(np.float64), norms[centres][:, None]
    distances = np.empty((len(centres), len(vectors)), dtype=vectors.dtype)

    def measure(rows: slice) -> None:
        squared = lengths + norms[rows]
        squared -= 2 * (targets @ vectors[rows].astype(np.float64).T)
        distances[:, rows] = np.maximum(squared, 0)

    for _ in spread(measure, list(blocks(len(vectors))), check):
        pass
    return distances
