"""Where the layout of a graph begins: its leading eigenvectors."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import aslinearoperator, eigsh

EXTENT = 10.0
FAINT = 1e-3
JITTER = 1e-4


class NormalisedAdjacency:
    """A graph's symmetrically normalised adjacency, with a faint link between all rows.

    The link keeps the eigenvectors meaningful when the graph falls into pieces.
    """

    def __init__(self, graph: csr_matrix):
        degrees = np.asarray(graph.sum(axis=1)).ravel()
        self.graph = graph
        self.faint = FAINT * float(degrees.mean())
        self.roots = 1 / np.sqrt(degrees + self.faint)
        self.shape = graph.shape
        self.dtype = np.dtype(np.float64)

    def matvec(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product with ``vector``."""
        scaled = self.roots * vector.ravel()
        return self.roots * (self.graph @ scaled + self.faint * scaled.mean())


def spectral_start(graph: csr_matrix, *, components: int, random_state: int) -> NDArray[np.float32]:
    """(n, components) coordinates within ``EXTENT``, with a little noise so that none coincide."""
    count = graph.shape[0]
    rng = np.random.default_rng(random_state)
    if components + 2 >= count:
        return rng.uniform(-EXTENT, EXTENT, (count, components)).astype(np.float32)
    adjacency = NormalisedAdjacency(graph)
    operator, first = aslinearoperator(adjacency), 1 / adjacency.roots
    values, vectors = eigsh(operator, components + 1, which="LA", v0=first, tol=1e-4)
    leading = vectors[:, np.argsort(-values)[1:]]
    leading *= np.sign(leading[np.abs(leading).argmax(axis=0), np.arange(components)])
    scaled = leading * (EXTENT / np.abs(leading).max())
    return (scaled + rng.normal(scale=JITTER, size=scaled.shape)).astype(np.float32)
