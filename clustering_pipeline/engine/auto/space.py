"""What the candidates share, computed when the first of them asks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.neighbors.outliers import outlier_scores
from clustering_pipeline.engine.preprocessing import reduce
from clustering_pipeline.engine.runtime.blocks import blocks
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors, unit_rows
from clustering_pipeline.model.progress import Check

OUTLYING = 0.9  # of the outlier score: beyond it a document is noise to every candidate
ROWS = 256
MANIFOLD_NEIGHBORS = 15
MANIFOLD = {"method": "umap", "n_components": 5, "n_neighbors": MANIFOLD_NEIGHBORS}


@dataclass(frozen=True, kw_only=True)
class Space:
    """One set of vectors that several candidates group."""

    vectors: Vectors
    random_state: int
    check: Check

    @cached_property
    def neighborhood(self) -> Neighborhood:
        """Its neighbours."""
        return Neighborhood(self.vectors, self.check, least=MANIFOLD_NEIGHBORS)

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """The rows that stand apart from all others."""
        return outlier_scores(self.vectors, neighbors=self.neighborhood) >= OUTLYING

    @cached_property
    def units(self) -> Vectors:
        """The rows at length one, in double precision."""
        return unit_rows(self.vectors.astype(np.float64))

    @cached_property
    def joins(self) -> NDArray[np.float64]:
        """Ward's tree (1963) of the unit rows that are not outside, as scipy has it."""
        from scipy.cluster.hierarchy import ward  # noqa: PLC0415 - heavy

        with one_thread():
            return ward(_distances(self.units[~self.outside], self.check))

    @cached_property
    def manifold(self) -> Vectors:
        """The rows in a few dimensions that keep neighbourhoods."""
        step = MANIFOLD | {"random_state": self.random_state}
        return reduce(self.vectors, [step], neighbors=self.neighborhood, check=self.check).vectors


def _distances(points: Vectors, check: Check) -> NDArray[np.float64]:
    """Every pair's Euclidean distance as scipy has it, row after row, asking between blocks."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - heavy

    condensed = np.empty(len(points) * (len(points) - 1) // 2)
    filled = 0
    for rows in blocks(len(points), ROWS, check):
        for row, distances in enumerate(cdist(points[rows], points[rows.start :])):
            end = filled + len(distances) - row - 1
            condensed[filled:end] = distances[row + 1 :]
            filled = end
    return condensed
