"""The exact minimum spanning tree of mutual reachability, in two passes over all pairs.

The neighbour lists of the first pass hold most of the tree: Borůvka's algorithm takes an edge from
them while no unlisted edge can be lighter.  What is then still apart, a second pass joins.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.hdbscan.forest import (
    Edges,
    Reachability,
    certified,
    edges_between,
    merge,
    spanning_forest,
)
from clustering_pipeline.engine.hdbscan.joining import join
from clustering_pipeline.engine.neighbors.graph import NeighborGraph, nearest_neighbors
from clustering_pipeline.engine.neighbors.screening import first_copies
from clustering_pipeline.engine.vectors import Vectors, never
from clustering_pipeline.model.progress import Check

MOST_COMPONENTS = 4096  # what the second pass keeps a table of, each with each
LISTED = 32  # neighbours per list: fewer leave more components, more cost more than they save


@dataclass(frozen=True, kw_only=True)
class SpanningTree:
    """The n - 1 ``edges`` by (weight, smaller id, larger id), and each point's core distance."""

    edges: Edges
    core_distances: NDArray[np.float64]


def lists_needed(min_samples: int) -> int:
    """How many neighbours of each point a tree starts from."""
    return max(LISTED, min_samples + 2)


def spanning_tree(
    vectors: Vectors,
    *,
    min_samples: int,
    alpha: float = 1.0,
    neighbors: NeighborGraph | None = None,
    check: Check = never,
) -> SpanningTree:
    """The minimum spanning tree of (n, d) vectors; a row's number is its id.

    ``min_samples`` leaves out the point itself.  ``neighbors`` is used when it lists as many as
    ``lists_needed``.  Among equal weights the smaller id wins, then the smaller other id;
    where masses of equal distances would leave too many components, listed edges go first.
    """
    listed = min(lists_needed(min_samples), len(vectors) - 1)
    if neighbors is None or neighbors.indices.shape[1] < listed:
        neighbors = nearest_neighbors(vectors, listed, check=check)
    core = neighbors.distances[:, min(min_samples, listed) - 1]
    space = Reachability(vectors=vectors, core=core, alpha=alpha)
    return SpanningTree(edges=_connect(space, neighbors, check).ordered(), core_distances=core)


def _connect(space: Reachability, neighbors: NeighborGraph, check: Check) -> Edges:
    copies = _crowded_copies(space)
    component = merge(copies, np.arange(len(space.core)))
    forest = spanning_forest(_listed(space, neighbors, copies), component)
    check()
    reach = _reach(space, neighbors, copies)
    tree, component = certified(forest, reach, component)
    if component.max() >= MOST_COMPONENTS:
        more, component = certified(forest, np.nextafter(reach, np.inf), component)
        tree += more
    if component.max() > 0:
        component[copies.high] = -1
        tree += join(space, component, forest, check)
    return copies + tree


def _crowded_copies(space: Reachability) -> Edges:
    """Equal points whose core distance is zero, each tied to the first of its kind.

    All their other edges are heavier, and the first has the smaller id in every comparison, so it
    can stand for all of them.
    """
    crowded = np.flatnonzero(space.core == 0)
    first = crowded[first_copies(space.vectors[crowded])]
    copy = first != crowded
    return edges_between(first[copy], crowded[copy], np.zeros(np.count_nonzero(copy)))


def _listed(space: Reachability, neighbors: NeighborGraph, copies: Edges) -> Edges:
    """The edges of the neighbour lists, with the first of a kind standing for its copies."""
    stand_in = np.arange(len(space.core))
    stand_in[copies.high] = copies.low
    ids = np.repeat(np.arange(len(space.core)), neighbors.indices.shape[1])
    left, right = stand_in[ids], stand_in[neighbors.indices.ravel()]
    return space.weighed(left, right, neighbors.distances.ravel())


def _reach(space: Reachability, neighbors: NeighborGraph, copies: Edges) -> NDArray[np.float64]:
    """What every edge of a point weighs at least, if its list does not hold it."""
    reach = np.maximum(space.core, neighbors.distances[:, -1] / space.alpha)
    reach[copies.high] = np.inf
    everything = neighbors.indices.shape[1] == len(reach) - 1
    return np.full_like(reach, np.inf) if everything else reach
