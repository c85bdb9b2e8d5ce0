"""Where the layout of a graph begins: its leading eigenvectors."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import ArpackNoConvergence, aslinearoperator, eigsh

from clustering_pipeline.engine.threads import one_thread
from clustering_pipeline.engine.vectors import Check, never

EXTENT = 10.0
FAINT = 1e-3
JITTER = 1e-4
CONVERGED = 1e-10
RESTARTS = 300
DECIMALS = 3  # coarser than what rounding leaves behind in the solver, so that it leaves no trace


class NormalisedAdjacency:
    """A graph's symmetrically normalised adjacency, with a faint link between all rows.

    The link keeps the eigenvectors meaningful when the graph falls into pieces. The leading one
    says nothing but the degrees: it is known, and taken out.  Every product asks ``check`` first:
    a solver that converges slowly takes thousands of them.
    """

    def __init__(self, graph: csr_matrix, check: Check = never):
        self.check = check
        degrees = np.asarray(graph.sum(axis=1)).ravel()
        self.graph = graph
        self.faint = FAINT * float(degrees.mean())
        self.roots = 1 / np.sqrt(degrees + self.faint)
        self.known = 1 / (self.roots * np.linalg.norm(1 / self.roots))
        self.shape = graph.shape
        self.dtype = np.dtype(np.float64)

    def matvec(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product with ``vector``."""
        self.check()
        scaled = self.roots * vector.ravel()
        product = self.roots * (self.graph @ scaled + self.faint * scaled.mean())
        return product - self.known * (self.known @ vector.ravel())


def spectral_start(
    graph: csr_matrix, *, components: int, random_state: int, check: Check = never
) -> NDArray[np.float32]:
    """(n, components) coordinates within ``EXTENT``, with a little noise so that none coincide.

    The last digits of the eigenvectors would become another layout, and where a graph falls into
    like pieces even the first ones come from rounding: they are solved from a seeded vector, on one
    thread, and rounded.
    """
    rng = np.random.default_rng(random_state)
    with one_thread():
        leading = _leading_eigenvectors(graph, components, rng, check)
    if leading is None:
        return rng.uniform(-EXTENT, EXTENT, (graph.shape[0], components)).astype(np.float32)
    scaled = np.round(leading * (EXTENT / np.abs(leading).max()), DECIMALS)
    scaled *= np.sign(scaled[np.abs(scaled).argmax(axis=0), np.arange(components)])
    return (scaled + rng.normal(scale=JITTER, size=scaled.shape)).astype(np.float32)


def _leading_eigenvectors(
    graph: csr_matrix, components: int, rng: np.random.Generator, check: Check
) -> NDArray[np.float64] | None:
    """(n, components), or None where there are too few rows or hundreds of equal pieces."""
    count = graph.shape[0]
    if components + 2 >= count:
        return None
    operator = aslinearoperator(NormalisedAdjacency(graph, check))
    try:
        values, vectors = eigsh(
            operator,
            components,
            which="LA",
            v0=rng.normal(size=count),
            ncv=min(count, 2 * components + 20),
            tol=CONVERGED,
            maxiter=RESTARTS,
        )
    except ArpackNoConvergence:
        return None
    return vectors[:, np.argsort(-values)]
