"""UMAP's layout of a neighbour graph: spectral start, then stochastic gradient descent.

McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection" (2018).  The map
of the documents is one in two or three dimensions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from clustering_pipeline.engine.layout.fuzzy import fuzzy_graph
from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood, Wanted
from clustering_pipeline.engine.neighbors.screening import slices
from clustering_pipeline.engine.vectors import as_vectors, never
from clustering_pipeline.model.progress import Check

EPOCHS = 500
EPOCHS_OF_MANY = 200
MANY = 10_000
BETWEEN_CHECKS = 10  # epochs
MOST_EDGES = 1 << 20  # of one epoch between two checks: under a second
MAP_NEIGHBORS = Wanted(count=14, metric="cosine")  # fifteen, the document itself included
MAP_MIN_DIST = 0.1
SMALLEST_MAP = 6


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """(n, components) ``coordinates`` in which near neighbours stay near, and how they ``start``ed:
    from eigenvectors, or drawn where these cannot be had.
    """

    coordinates: NDArray[np.float32]
    start: str


def embed(
    neighbors: NeighborGraph, *, components: int, min_dist: float, random_state: int, check: Check
) -> Embedding:
    """Lay out a neighbour graph."""
    from clustering_pipeline.engine.layout.spectral_start import spectral_start  # noqa: PLC0415 - heavy

    graph = fuzzy_graph(neighbors, check)
    check()
    start = spectral_start(graph, components=components, random_state=random_state, check=check)
    epochs = EPOCHS if graph.shape[0] <= MANY else EPOCHS_OF_MANY
    coordinates = optimise(
        graph,
        start.points,
        curve=curve(min_dist),
        epochs=epochs,
        random_state=random_state,
        check=check,
    )
    return Embedding(coordinates=coordinates, start=start.kind)


def optimise(
    graph: csr_matrix,
    start: NDArray[np.float32],
    *,
    curve: tuple[float, float],
    epochs: int,
    random_state: int,
    check: Check,
    most_edges: int = MOST_EDGES,
) -> NDArray[np.float32]:
    """Move ``start`` downhill for ``epochs``, asking ``check`` every few of them, and within one
    that has more than ``most_edges``.
    """
    from clustering_pipeline.engine.layout.descent import descend  # noqa: PLC0415 - loads numba

    edges = graph.tocoo()
    strong = edges.data >= edges.data.max() / epochs
    heads, tails = edges.row[strong].astype(np.int64), edges.col[strong].astype(np.int64)
    periods = (edges.data.max() / edges.data[strong]).astype(np.float32)
    points = np.ascontiguousarray(start, dtype=np.float32)
    due, negative_due = periods.copy(), periods / np.float32(5)
    state = np.array([random_state * 2 + 1], dtype=np.uint64)
    a, b = (np.float32(value) for value in curve)
    between = max(1, min(BETWEEN_CHECKS, most_edges // max(len(heads), 1)))
    for span in slices(epochs, between):
        for part in slices(len(heads), most_edges):
            check()
            edge = heads[part], tails[part], periods[part], due[part], negative_due[part]
            descend(points, *edge, a, b, span.start, span.stop, epochs, state)
    return points


def curve(min_dist: float) -> tuple[float, float]:
    """The a and b with which 1 / (1 + a x^2b) falls off beyond ``min_dist``, spread one."""
    from scipy.optimize import curve_fit  # noqa: PLC0415 - heavy

    distances = np.linspace(0, 3, 300)
    strengths = np.where(distances < min_dist, 1.0, np.exp(-(distances - min_dist)))
    (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), distances, strengths)
    return float(a), float(b)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """(n, n_components) ``places``, and what they ``start``ed from."""

    places: NDArray[np.float32]
    start: str


def layout(
    vectors: ArrayLike,
    *,
    n_components: int = 2,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    check: Check = never,
) -> Layout:
    """Places on a map for (n, d) vectors; few documents stand on a line."""
    points = as_vectors(vectors)
    if len(points) < SMALLEST_MAP or np.ptp(points, axis=0).max() == 0:
        places = np.zeros((len(points), n_components), dtype=np.float32)
        places[:, 0] = np.arange(len(points))
        return Layout(places=places, start="a line: there is nothing to lay out")
    hood = neighbors or Neighborhood(points, check)
    embedding = embed(
        hood.nearest(MAP_NEIGHBORS.count, MAP_NEIGHBORS.metric),
        components=n_components,
        min_dist=MAP_MIN_DIST,
        random_state=random_state,
        check=check,
    )
    return Layout(places=embedding.coordinates, start=embedding.start)
