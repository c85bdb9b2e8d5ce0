"""The fuzzy neighbour graph UMAP lays out (McInnes, Healy and Melville, 2018), in NumPy.

umap-learn compiles the same arithmetic for seconds in every process.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.vectors import never
from clustering_pipeline.model.progress import Check

BANDWIDTH_STEPS = 64
SMALLEST_BANDWIDTH = 1e-3


def fuzzy_graph(neighbors: NeighborGraph, check: Check = never) -> csr_matrix:
    """The symmetric (n, n) graph of membership strengths in (0, 1]."""
    distances, indices = neighbors.distances, neighbors.indices
    count, width = indices.shape
    strengths = _strengths(distances, np.log2(width + 1), check)
    rows = np.repeat(np.arange(count), width)
    directed = csr_matrix((strengths.ravel(), (rows, indices.ravel())), shape=(count, count))
    mutual = directed.multiply(directed.T)
    graph = csr_matrix(directed + directed.T - mutual)
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph


def _strengths(distances: NDArray[np.float64], target: float, check: Check) -> NDArray[np.float64]:
    nearest = _smallest_positive(distances)
    beyond = np.maximum(distances - nearest[:, None], 0)
    bandwidths = _bandwidths(beyond, target, check)
    local = np.where(nearest > 0, distances.mean(axis=1), distances.mean())
    bandwidths = np.maximum(bandwidths, SMALLEST_BANDWIDTH * local)
    safe = np.where(bandwidths > 0, bandwidths, 1)[:, None]
    return np.where(beyond > 0, np.exp(-beyond / safe), 1.0)


def _smallest_positive(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    smallest = np.where(distances > 0, distances, np.inf).min(axis=1)
    return np.where(np.isfinite(smallest), smallest, 0)


def _bandwidths(beyond: NDArray[np.float64], target: float, check: Check) -> NDArray[np.float64]:
    """Per row the bandwidth at which the strengths add up to ``target``, by bisection."""
    low, high = np.zeros(len(beyond)), np.full(len(beyond), np.inf)
    middle = np.ones(len(beyond))
    for _ in range(BANDWIDTH_STEPS):
        check()
        wide = np.exp(-beyond / middle[:, None]).sum(axis=1) > target
        high = np.where(wide, middle, high)
        low = np.where(wide, low, middle)
        middle = np.where(np.isfinite(high), (low + high) / 2, middle * 2)
    return middle
