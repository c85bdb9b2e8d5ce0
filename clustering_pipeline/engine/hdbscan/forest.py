"""Edges weighed by mutual reachability, and minimum spanning forests of them.

Equal weights are decided by the ends' ids.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.screening import pair_distances
from clustering_pipeline.engine.vectors import Vectors


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Edges between points ``low`` < ``high`` (ids), each with its mutual reachability distance."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weight)

    def __getitem__(self, chosen: NDArray[np.integer] | NDArray[np.bool_] | slice) -> "Edges":
        return Edges(low=self.low[chosen], high=self.high[chosen], weight=self.weight[chosen])

    def __add__(self, other: "Edges") -> "Edges":
        return Edges(
            low=np.concatenate([self.low, other.low]),
            high=np.concatenate([self.high, other.high]),
            weight=np.concatenate([self.weight, other.weight]),
        )

    def ordered(self) -> "Edges":
        """Lightest first, then by the smaller and the larger id."""
        pair = self.low * (self.high.max(initial=0) + 1) + self.high
        return self[np.lexsort((pair, self.weight))]


def edges_between(
    left: NDArray[np.integer], right: NDArray[np.integer], weight: NDArray[np.float64]
) -> Edges:
    """Edges with their ends put in order."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    return Edges(low=low.astype(np.int64), high=high.astype(np.int64), weight=weight)


NO_EDGES = edges_between(*np.empty((2, 0), dtype=np.int64), np.empty(0))


def spanning_forest(edges: Edges, component: NDArray[np.integer]) -> Edges:
    """The minimum spanning forest of the components that ``edges`` join, in order.

    ``component`` numbers every point's component from 0; edges inside one are dropped.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - heavy
    from scipy.sparse.csgraph import minimum_spanning_tree  # noqa: PLC0415 - heavy

    edges = edges.ordered()
    a, b = component[edges.low], component[edges.high]
    count = int(component.max()) + 1
    pair, lightest = np.unique(np.minimum(a, b) * count + np.maximum(a, b), return_index=True)
    outer = pair // count != pair % count
    pair, lightest = pair[outer], lightest[outer]
    starts = np.searchsorted(pair, np.arange(count + 1) * count)
    ranks = lightest + 1.0  # all different, so there is one forest
    graph = csr_array((ranks, pair % count, starts), shape=(count, count))
    return edges[np.sort(minimum_spanning_tree(graph).data.astype(np.int64) - 1)]


def merge(edges: Edges, component: NDArray[np.integer]) -> NDArray[np.int64]:
    """Components after joining those that ``edges`` connect, numbered by their first point."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - heavy
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - heavy

    count = int(component.max()) + 1
    ends = (component[edges.low], component[edges.high])
    graph = coo_array((np.ones(len(edges)), ends), shape=(count, count))
    joined = connected_components(graph, directed=False)[1]
    return joined.astype(np.int64)[component]


def certified(
    forest: Edges, reach: NDArray[np.float64], component: NDArray[np.int64]
) -> tuple[Edges, NDArray[np.int64]]:
    """Borůvka over a forest of known edges, as far as the unknown ones allow.

    ``reach`` says for each point that every unknown edge of it weighs at least that much.  A
    component's lightest known edge is accepted when all its unknown ones are heavier.  Returns the
    accepted edges and the components they leave.
    """
    accepted = forest[:0]
    while len(forest):
        count = int(component.max()) + 1
        a, b = component[forest.low], component[forest.high]
        outer = a != b
        forest, a, b = forest[outer], a[outer], b[outer]
        lightest = np.full(count, len(forest))
        np.minimum.at(lightest, a, np.arange(len(forest)))
        np.minimum.at(lightest, b, np.arange(len(forest)))
        bound = np.full(count, np.inf)
        np.minimum.at(bound, component, reach)
        weights = np.append(forest.weight, np.inf)[lightest]
        picked = np.unique(lightest[weights < bound])
        if len(picked) == 0:
            break
        accepted += forest[picked]
        component = merge(forest[picked], component)
    return accepted, component


@dataclass(frozen=True, kw_only=True)
class Reachability:
    """Vectors with their core distances; ``alpha`` divides distances, as in robust single linkage.

    The mutual reachability distance of two points is the largest of both core distances and their
    distance divided by ``alpha`` (Campello, Moulavi and Sander, 2013; Chaudhuri and Dasgupta,
    2010).
    """

    vectors: Vectors
    core: NDArray[np.float64]
    alpha: float

    def edges(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Edges:
        """Edges between points, measured in float64."""
        return self.weighed(left, right, pair_distances(self.vectors, left, right))

    def weighed(
        self, left: NDArray[np.int64], right: NDArray[np.int64], distance: NDArray[np.float64]
    ) -> Edges:
        """Edges between points whose distances are known."""
        cores = np.maximum(self.core[left], self.core[right])
        return edges_between(left, right, np.maximum(cores, distance / self.alpha))
