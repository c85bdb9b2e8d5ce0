"""One pass over all pairs that joins the components the neighbour lists left.

For every pair of components a limit is kept: no heavier edge between them can be in the minimum
spanning tree.  The pass lets through only the pairs of points whose lower bound is within their
limit, measures them exactly, and lowers the limits as it goes.  The balls that hold components show
before it that most are too far apart to be measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import NO_EDGES, Edges, Reachability, spanning_forest
from clustering_pipeline.engine.neighbors.screening import (
    Screen,
    coarse_screen,
    fine_screen,
    round_down,
    slices,
)
from clustering_pipeline.engine.runtime.blocks import rows_at_once
from clustering_pipeline.engine.runtime.threads import in_parallel
from clustering_pipeline.model.progress import Check

BLOCK_ROWS = 512
BLOCK_COLUMNS = 4096
MOST_CLOSE = 1 << 14  # pairs of a tile measured one by one, before a finer screen pays
ROWS = 4096  # of a component, measured at once
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


def join(space: Reachability, component: NDArray[np.int64], known: Edges, check: Check) -> Edges:
    """The lightest edges that connect all components of the points, equal weights by id.

    ``component`` numbers the component of each point from 0, or is -1 for points to leave out.
    ``known`` are edges between components, among them the lightest of those already listed.
    """
    joining = _prepare(space, component)
    joining.learn(known + joining.measure(*joining.balls.neighbors()))
    count = len(joining.order)
    step = rows_at_once(count, space.vectors.shape[1], most=BLOCK_ROWS)
    blocks = list(slices(count, step))
    settled = 1
    for done, edges in enumerate(in_parallel(joining.visit, blocks, check), start=1):
        joining.found += edges
        if done in (settled, len(blocks)):
            joining.learn(NO_EDGES)
            settled *= 2
    return joining.found


@dataclass
class _Joining:
    """Points sorted by component.

    ``limits`` and ``gaps`` (components, components) are squares in the screen's units: what no edge
    of the tree between two components exceeds, and what all distances between them do.
    """

    space: Reachability
    coarse: Screen
    fine: Screen
    component: NDArray[np.int64]
    order: NDArray[np.int64]
    sorted_component: NDArray[np.int64]
    starts: NDArray[np.int64]
    core: NDArray[np.float64]
    limits: NDArray[np.float64]
    balls: Balls
    gaps: NDArray[np.float64]
    found: Edges = NO_EDGES

    def learn(self, edges: Edges) -> None:
        """Keep of all edges found the forest, and lower the limits to its heaviest on each path."""
        self.found = spanning_forest(self.found + edges, self.component)
        heaviest = _heaviest_on_path(self.found, self.component, len(self.limits))
        np.minimum(self.limits, self._squared(heaviest), out=self.limits)

    def visit(self, rows: slice) -> Edges:
        """Edges worth keeping from a block of points to all later components."""
        edges = NO_EDGES
        for columns in self._within_limits(rows):
            left, right = self._close(self.coarse, rows, columns)
            if len(left) > MOST_CLOSE:
                left, right = self._close(self.fine, rows, columns)
            edges += self.measure(left, right)
        return edges

    def _within_limits(self, rows: slice) -> Iterator[slice]:
        """The points of later components that are not too far for any component of ``rows``."""
        own, _ = self._segments(rows)
        near = (self.gaps[own] <= self.limits[own]).any(axis=0)
        edges = np.flatnonzero(np.diff(near, prepend=False, append=False))
        for first, last in edges.reshape(-1, 2):
            start, stop = self.starts[first], self.starts[last]
            for columns in slices(stop - start, BLOCK_COLUMNS):
                yield slice(columns.start + start, columns.stop + start)

    def _close(
        self, screen: Screen, rows: slice, columns: slice
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sorted positions of the pairs that a screen cannot rule out."""
        bounds = screen.bounds(rows, columns)
        np.maximum(bounds, round_down(self.core[columns], bounds.dtype), out=bounds)
        core = round_down(self.core[rows], bounds.dtype)
        own, row_starts = self._segments(rows)
        other, column_starts = self._segments(columns)
        lowest = np.minimum.reduceat(bounds, column_starts, axis=1)
        np.maximum(lowest, core[:, None], out=lowest)
        limits = self.limits[own, other]
        closest = np.minimum.reduceat(lowest, row_starts, axis=0).astype(np.float64)
        rounding = 2 * np.finfo(bounds.dtype).eps
        np.minimum(limits, closest * (1 + rounding) + screen.slack, out=limits)
        own_of_row = self.sorted_component[rows] - own.start
        row, segment = np.nonzero(lowest <= limits[own_of_row])
        widths = np.diff(column_starts, append=bounds.shape[1])[segment]
        offset = np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
        row, column = np.repeat(row, widths), np.repeat(column_starts[segment], widths) + offset
        limit = limits[own_of_row[row], np.repeat(segment, widths)]
        near = np.maximum(bounds[row, column], core[row]) <= limit
        return rows.start + row[near], columns.start + column[near]

    def _squared(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.coarse.squared(weights * self.space.alpha)

    def _segments(self, span: slice) -> tuple[slice, NDArray[np.int64]]:
        """The components a span of sorted points touches, and where each begins in it."""
        first, last = self.sorted_component[[span.start, span.stop - 1]]
        touched = slice(first, last + 1)
        return touched, np.maximum(self.starts[touched] - span.start, 0)

    def measure(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Edges:
        """Exact edges between sorted positions, those within the limits they set."""
        edges = self.space.edges(self.order[left], self.order[right])
        pair = self.sorted_component[left], self.sorted_component[right]
        squared = self._squared(edges.weight)
        np.minimum.at(self.limits, pair, squared)
        return edges[squared <= self.limits[pair]]


def _prepare(space: Reachability, component: NDArray[np.int64]) -> _Joining:
    order = np.argsort(component, kind="stable")
    order = order[np.count_nonzero(component < 0) :]
    sorted_component = component[order]
    coarse = coarse_screen(space.vectors, order)
    count = int(sorted_component[-1]) + 1
    starts = np.searchsorted(sorted_component, np.arange(count + 1))
    limits = np.full((count, count), np.inf)
    limits[np.tril_indices(count)] = -np.inf
    around = balls(coarse, starts)
    return _Joining(
        space=space,
        coarse=coarse,
        fine=fine_screen(space.vectors, order),
        component=component,
        order=order,
        sorted_component=sorted_component,
        starts=starts,
        core=coarse.squared(space.core[order] * space.alpha),
        limits=limits,
        balls=around,
        gaps=around.gaps(),
    )


def _heaviest_on_path(
    forest: Edges, component: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """(count, count) weight of the heaviest edge between components, inf without a path."""
    heaviest = np.full((count, count), np.inf)
    group = np.arange(count)
    members = dict(enumerate(group[:, None]))
    ends = component[forest.low], component[forest.high]
    for left, right, weight in zip(*ends, forest.weight, strict=True):
        near, far = members[group[left]], members.pop(group[right])
        heaviest[np.ix_(near, far)] = heaviest[np.ix_(far, near)] = weight
        members[group[left]] = np.concatenate([near, far])
        group[far] = group[left]
    return heaviest
