"""Where the layout of a graph begins: its leading eigenvectors."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import ArpackError, aslinearoperator, eigsh

from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import never
from clustering_pipeline.logs import tell
from clustering_pipeline.model.progress import Check

LOG = logging.getLogger(__name__)
EXTENT = 10.0
FAINT = 1e-3
JITTER = 1e-4
CONVERGED = 1e-10
RESTARTS = 300
SPECTRAL = "spectral"
TOO_FEW = "random: there are too few rows for as many eigenvectors"
NOT_CONVERGED = "random: the eigenvectors did not converge"
DECIMALS = 3  # coarser than what rounding leaves behind in the solver, so that it leaves no trace


@dataclass(frozen=True, kw_only=True)
class Start:
    """(n, components) ``points``, and ``kind``: spectral, or random and why."""

    points: NDArray[np.float32]
    kind: str


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
    graph: csr_matrix,
    *,
    components: int,
    random_state: int,
    restarts: int = RESTARTS,
    check: Check = never,
) -> Start:
    """Coordinates within ``EXTENT``, with a little noise so that none coincide.

    The last digits of the eigenvectors would become another layout, and where a graph falls into
    like pieces even the first ones come from rounding: they are solved from a seeded vector, on one
    thread, and rounded.  Where they cannot be had, the seed draws the places.
    """
    rng = np.random.default_rng(random_state)
    first = rng.normal(size=graph.shape[0])
    if components + 2 >= graph.shape[0]:
        return Start(points=_drawn(graph, components, random_state), kind=TOO_FEW)
    with one_thread():
        leading = _leading_eigenvectors(graph, components, first, restarts, check)
    if leading is None:
        return Start(points=_drawn(graph, components, random_state), kind=NOT_CONVERGED)
    scaled = np.round(leading * (EXTENT / np.abs(leading).max()), DECIMALS)
    scaled *= np.sign(scaled[np.abs(scaled).argmax(axis=0), np.arange(components)])
    jittered = scaled + rng.normal(scale=JITTER, size=scaled.shape)
    return Start(points=jittered.astype(np.float32), kind=SPECTRAL)


def _drawn(graph: csr_matrix, components: int, random_state: int) -> NDArray[np.float32]:
    shape = (graph.shape[0], components)
    drawn = np.random.default_rng(random_state).uniform(-EXTENT, EXTENT, shape)
    return drawn.astype(np.float32)


def _leading_eigenvectors(
    graph: csr_matrix, components: int, first: NDArray[np.float64], restarts: int, check: Check
) -> NDArray[np.float64] | None:
    """(n, components), or None where the solver gives up, as it does over hundreds of like pieces.

    It starts from ``first`` on one thread, so that it gives up in the same cases everywhere.
    """
    try:
        values, vectors = eigsh(
            aslinearoperator(NormalisedAdjacency(graph, check)),
            components,
            which="LA",
            v0=first,
            ncv=min(graph.shape[0], 2 * components + 20),
            tol=CONVERGED,
            maxiter=restarts,
        )
    except ArpackError:
        tell(LOG, "layout started without eigenvectors", because="the solver gave up")
        return None
    return vectors[:, np.argsort(-values)]
