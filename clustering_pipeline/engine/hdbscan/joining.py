"""One pass over all pairs that joins the components the neighbour lists left.

For every pair of components a limit is kept: no heavier edge between them can be in the minimum
spanning tree.  The pass lets through only the pairs of points whose lower bound is within their
limit, measures them exactly, and lowers the limits as it goes.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import Edges, edges_between, spanning_forest
from clustering_pipeline.engine.hdbscan.reachability import Reachability
from clustering_pipeline.engine.screening import (
    Screen,
    in_parallel,
    round_down,
    round_up,
    screen,
    slices,
)
from clustering_pipeline.engine.vectors import Check

BLOCK_ROWS = 512
BLOCK_COLUMNS = 4096


def join(space: Reachability, component: NDArray[np.int64], known: Edges, check: Check) -> Edges:
    """The lightest edges that connect all components of the points, equal weights by id.

    ``component`` numbers the component of each point from 0, or is -1 for points to leave out.
    ``known`` are edges between components, among them the lightest of those already listed.
    """
    joining = _prepare(space, component)
    joining.learn(known)
    blocks = list(slices(len(joining.order), BLOCK_ROWS))
    settled = 1
    for done, edges in enumerate(in_parallel(joining.visit, blocks, check), start=1):
        joining.found += edges
        if done in (settled, len(blocks)):
            joining.learn(joining.found[:0])
            settled *= 2
    return joining.found


@dataclass
class _Joining:
    """Points sorted by component; ``limits`` (components, components) in the screen's units."""

    space: Reachability
    prepared: Screen
    component: NDArray[np.int64]
    order: NDArray[np.int64]
    sorted_component: NDArray[np.int64]
    starts: NDArray[np.int64]
    core: NDArray[np.float32]
    limits: NDArray[np.float32]
    found: Edges = field(
        default_factory=lambda: edges_between(*np.empty((2, 0), dtype=np.int64), np.empty(0))
    )

    def learn(self, edges: Edges) -> None:
        """Keep of all edges found the forest, and lower the limits to its heaviest on each path."""
        self.found = spanning_forest(self.found + edges, self.component)
        heaviest = _heaviest_on_path(self.found, self.component, len(self.limits))
        np.minimum(self.limits, round_up(self.prepared.squared(heaviest)), out=self.limits)

    def visit(self, rows: slice) -> Edges:
        """Edges worth keeping from a block of points to all later components."""
        first = self.starts[self.sorted_component[rows.start] + 1]
        found = self.found[:0]
        for columns in slices(len(self.order) - first, BLOCK_COLUMNS):
            shifted = slice(columns.start + first, columns.stop + first)
            found += self._visit_tile(rows, shifted)
        return found

    def _visit_tile(self, rows: slice, columns: slice) -> Edges:
        bounds = self.prepared.bounds(rows, columns)
        np.maximum(bounds, self.core[columns], out=bounds)
        own, row_starts = self._segments(rows)
        other, column_starts = self._segments(columns)
        lowest = np.minimum.reduceat(bounds, column_starts, axis=1)
        np.maximum(lowest, self.core[rows, None], out=lowest)
        limits = self.limits[own, other]
        closest = np.minimum.reduceat(lowest, row_starts, axis=0).astype(np.float64)
        reached = round_up(closest * (1 + 2.0**-22) + self.prepared.slack)
        np.minimum(limits, reached, out=limits)
        own_of_row = self.sorted_component[rows] - own.start
        row, segment = np.nonzero(lowest <= limits[own_of_row])
        widths = np.diff(column_starts, append=bounds.shape[1])[segment]
        offset = np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
        row, column = np.repeat(row, widths), np.repeat(column_starts[segment], widths) + offset
        limit = limits[own_of_row[row], np.repeat(segment, widths)]
        near = np.maximum(bounds[row, column], self.core[rows][row]) <= limit
        return self._measure(rows.start + row[near], columns.start + column[near])

    def _segments(self, span: slice) -> tuple[slice, NDArray[np.int64]]:
        """The components a span of sorted points touches, and where each begins in it."""
        first, last = self.sorted_component[[span.start, span.stop - 1]]
        touched = slice(first, last + 1)
        return touched, np.maximum(self.starts[touched] - span.start, 0)

    def _measure(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Edges:
        """Exact edges between sorted positions, those within the limits they set."""
        edges = self.space.edges(self.order[left], self.order[right])
        pair = self.sorted_component[left], self.sorted_component[right]
        squared = round_up(self.prepared.squared(edges.weight))
        np.minimum.at(self.limits, pair, squared)
        return edges[squared <= self.limits[pair]]


def _prepare(space: Reachability, component: NDArray[np.int64]) -> _Joining:
    order = np.argsort(component, kind="stable")
    order = order[np.count_nonzero(component < 0) :]
    sorted_component = component[order]
    count = int(sorted_component[-1]) + 1
    prepared = screen(space.vectors, order)
    prepared = replace(prepared, unit=prepared.unit / space.alpha)
    limits = np.full((count, count), np.inf, dtype=np.float32)
    limits[np.tril_indices(count)] = -np.inf
    return _Joining(
        space=space,
        prepared=prepared,
        component=component,
        order=order,
        sorted_component=sorted_component,
        starts=np.searchsorted(sorted_component, np.arange(count + 1)),
        core=round_down(prepared.squared(space.core[order])),
        limits=limits,
    )


def _heaviest_on_path(
    forest: Edges, component: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """(count, count) weight of the heaviest edge between components, inf without a path."""
    heaviest = np.full((count, count), np.inf)
    members = [[each] for each in range(count)]
    a, b = component[forest.low].tolist(), component[forest.high].tolist()
    for left, right, weight in zip(a, b, forest.weight.tolist(), strict=True):
        near, far = members[left], members[right]
        heaviest[np.ix_(near, far)] = weight
        heaviest[np.ix_(far, near)] = weight
        near.extend(far)
        for each in far:
            members[each] = near
    return heaviest
