"""The first centres of k-means, drawn exactly as scikit-learn draws them, in less time.

Arthur and Vassilvitskii (2007), with the greedy trials of scikit-learn.  Its distances are summed
in double precision from small pieces of the data whose norms are taken anew for every centre; here
they are taken once.
"""

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.blocks import blocks
from clustering_pipeline.engine.vectors import Check, Vectors


def spread_start(
    vectors: Vectors, count: int, stream: np.random.RandomState, check: Check
) -> Vectors:
    """``count`` rows of ``vectors``, each far from those before it."""
    norms = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    trials = 2 + int(np.log(count))
    shares = np.full(len(vectors), 1 / len(vectors))
    chosen = [int(stream.choice(len(vectors), p=shares))]
    closest = _squared_distances(vectors, norms, np.array(chosen))[0]
    potential = closest.sum(dtype=np.float64)
    while len(chosen) < count:
        check()
        drawn = stream.uniform(size=trials) * potential
        places = np.searchsorted(np.cumsum(closest), drawn)
        candidates = np.minimum(places, len(vectors) - 1)
        nearer = np.minimum(closest, _squared_distances(vectors, norms, candidates))
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
    vectors: Vectors, norms: NDArray[np.float64], centres: NDArray[np.int64]
) -> Vectors:
    """(centres, n) squared distances, rounded to the precision of the vectors."""
    targets = vectors[centres].astype(np.float64)
    distances = np.empty((len(centres), len(vectors)), dtype=vectors.dtype)
    for rows in blocks(len(vectors)):
        squared = norms[centres][:, None] + norms[rows]
        squared -= 2 * (targets @ vectors[rows].astype(np.float64).T)
        distances[:, rows] = np.maximum(squared, 0)
    return distances
