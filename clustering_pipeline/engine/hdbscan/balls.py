"""The balls that hold components, which show that most are too far apart to be measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.screening import Screen, slices

ROWS = 4096
SAFETY = 1e-3  # far above the rounding of float32 sums of squares


@dataclass(frozen=True, kw_only=True)
class Balls:
    """One ball per component, in the screen's units.

    ``middles`` (components, d), ``radii`` (components,) never too small, and the sorted position of
    each component's point nearest to its middle.
    """

    middles: NDArray[np.float64]
    radii: NDArray[np.float64]
    nearest: NDArray[np.int64]

    def gaps(self) -> NDArray[np.float64]:
        """(components, components) squared distances that points of two components exceed."""
        return np.maximum(self._apart() * (1 - SAFETY) - self.radii[:, None] - self.radii, 0) ** 2

    def neighbors(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Points, one a component, that lie near each other and connect all components."""
        from scipy.sparse.csgraph import minimum_spanning_tree  # noqa: PLC0415 - heavy

        apart = self._apart() + 1  # an edge of length zero would be none
        ends = np.sort(np.stack(minimum_spanning_tree(apart).nonzero()), axis=0)
        return self.nearest[ends[0]], self.nearest[ends[1]]

    def _apart(self) -> NDArray[np.float64]:
        squares = np.einsum("ij,ij->i", self.middles, self.middles)
        squared = squares[:, None] + squares - 2 * self.middles @ self.middles.T
        return np.sqrt(np.maximum(squared, 0))


def balls(screen: Screen, starts: NDArray[np.int64]) -> Balls:
    """The balls around sorted points, of which each component begins at one of ``starts``."""
    sizes = np.diff(starts)
    count, dimensions = len(sizes), len(screen.center)
    middles = np.zeros((count, dimensions))
    owner = np.repeat(np.arange(count), sizes)
    for rows in slices(len(owner), ROWS):
        segments = np.flatnonzero(np.diff(owner[rows], prepend=-1))
        sums = np.add.reduceat(screen.points(rows), segments, axis=0)
        middles[owner[rows][segments]] += sums
    middles /= sizes[:, None]
    distances = np.empty(len(owner))
    for rows in slices(len(owner), ROWS):
        apart = screen.points(rows) - middles[owner[rows]]
        distances[rows] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    order = np.lexsort((distances, owner))
    furthest = distances[order[starts[1:] - 1]]
    return Balls(
        middles=middles,
        radii=(furthest + np.sqrt(screen.slack)) * (1 + SAFETY),
        nearest=order[starts[:-1]],
    )
