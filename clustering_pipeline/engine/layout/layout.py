"""A picture of the documents: two or three coordinates each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.layout import embed
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood, Wanted
from clustering_pipeline.engine.vectors import as_vectors, never
from clustering_pipeline.model.progress import Check

NEIGHBORS = Wanted(count=14, metric="cosine")  # fifteen, the document itself included
MIN_DIST = 0.1
SMALLEST = 6


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
    if len(points) < SMALLEST or np.ptp(points, axis=0).max() == 0:
        places = np.zeros((len(points), n_components), dtype=np.float32)
        places[:, 0] = np.arange(len(points))
        return Layout(places=places, start="a line: there is nothing to lay out")
    hood = neighbors or Neighborhood(points, check)
    embedding = embed(
        hood.nearest(NEIGHBORS.count, NEIGHBORS.metric),
        components=n_components,
        min_dist=MIN_DIST,
        random_state=random_state,
        check=check,
    )
    return Layout(places=embedding.coordinates, start=embedding.start)
