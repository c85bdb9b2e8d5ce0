"""Several resolutions from one density tree: persistent layers of groups.

The size from which a group counts is varied instead of chosen: a layer is kept where the groups'
persistence peaks (PLSCAN, Bot, Strawn and Healy, 2025).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.hierarchy import Hierarchy, Node, Path, hierarchy, moved
from clustering_pipeline.engine.hdbscan import fit_hdbscan
from clustering_pipeline.engine.hdbscan.condensed import condense
from clustering_pipeline.engine.hdbscan.forest import Edges
from clustering_pipeline.engine.vectors import as_vectors, never
from clustering_pipeline.model.progress import Check

MOST_LAYERS = 6
ALIKE = 0.2


@dataclass(frozen=True, kw_only=True)
class Bars:
    """For every group of a condensed tree, numbered from its root: the sizes (born, died] between
    which it is a leaf.
    """

    born: NDArray[np.float64]
    died: NDArray[np.float64]

    def alive(self, size: float) -> NDArray[np.int64]:
        """The leaves when a group needs more than ``size`` documents."""
        return np.flatnonzero((self.born <= size) & (self.died > size))


def persistent_layers(
    vectors: ArrayLike,
    *,
    min_cluster_size: int = 5,
    min_samples: int | None = None,
    metric: str = "euclidean",
    most: int = MOST_LAYERS,
    check: Check = never,
) -> Hierarchy:
    """Groups at up to ``most`` resolutions of one HDBSCAN fit, coarse ones around fine ones."""
    points = as_vectors(vectors)
    fitted = fit_hdbscan(
        points,
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        metric=metric,
        check=check,
    )
    edges = fitted.spanning_tree
    tree = layers_of(edges, min_cluster_size=min_cluster_size, most=most).hierarchy
    # Rows of zeros have no place in a tree of angles.
    rows = np.flatnonzero(points.any(axis=1)) if len(edges) + 1 < len(points) else None
    return tree if rows is None else moved(tree, len(points), rows)


@dataclass(frozen=True, kw_only=True)
class Layers:
    """``hierarchy`` of the n documents of a spanning tree, and how deep each lies in its deepest
    group: ``probabilities`` (n,) in [0, 1], 0 for noise.
    """

    hierarchy: Hierarchy
    probabilities: NDArray[np.float64]


def layers_of(edges: Edges, *, min_cluster_size: int, most: int = MOST_LAYERS) -> Layers:
    """The layers of a spanning tree's density tree, from ``fit_hdbscan``."""
    count = len(edges) + 1
    if count < 2:
        return Layers(hierarchy=hierarchy(count, []), probabilities=np.zeros(count))
    tree = condense(edges, min_cluster_size)
    bars = barcode(tree, count, min_cluster_size)
    chosen = [bars.alive(size) for size in persistent_sizes(bars, most)]
    layers = sorted([*chosen, bars.alive(min_cluster_size)], key=len)
    nested = _nested(tree, count, layers)
    return Layers(hierarchy=nested, probabilities=_depths(tree, nested))


def _depths(tree: NDArray[np.void], nested: Hierarchy) -> NDArray[np.float64]:
    """The density at which each document leaves, as a share of the densest of its group."""
    deepest = nested.deepest
    leaves = tree[tree["child"] < len(deepest)]
    density = np.empty(len(deepest))
    density[leaves["child"]] = leaves["lambda_val"]
    densest = np.zeros(len(nested.nodes))
    inside = np.flatnonzero(deepest >= 0)
    np.maximum.at(densest, deepest[inside], density[inside])
    depths = np.zeros(len(deepest))
    with np.errstate(invalid="ignore"):
        shares = density[inside] / densest[deepest[inside]]
    depths[inside] = np.nan_to_num(shares, nan=1.0)  # copies are infinitely dense
    return depths


def barcode(tree: NDArray[np.void], count: int, smallest: int) -> Bars:
    """The bars of a condensed tree of ``count`` documents."""
    splits = tree[tree["child"] >= count]
    groups = len(splits) + 1
    born, died = np.full(groups, float(smallest)), np.full(groups, float(count))
    for parent, pair in _pairs(splits, count):
        children = splits["child"][pair] - count
        size = float(splits["child_size"][pair].min())
        died[children] = size
        born[parent] = max(born[children].max(), size)
    return Bars(born=born, died=died)


def persistent_sizes(bars: Bars, most: int) -> list[float]:
    """The sizes at which the total persistence of the leaves peaks, unless the leaves are those of
    a higher peak already.
    """
    sizes = np.unique(bars.born)
    length = np.maximum(bars.died - bars.born, 0)
    length[0] = 0  # the root is all documents, not a group among others
    lived = [bars.alive(size) for size in sizes]
    total = np.array([length[leaves].sum() for leaves in lived])
    chosen: list[int] = []
    for peak in sorted(_peaks(total), key=lambda place: (-total[place], place)):
        if all(_jaccard(lived[peak], lived[other]) <= ALIKE for other in chosen):
            chosen.append(peak)
    return [float(sizes[peak]) for peak in chosen[: most - 1]]


def _pairs(splits: NDArray[np.void], count: int) -> list[tuple[int, NDArray[np.int64]]]:
    """Each split group's number and the two rows of its children, children's splits first."""
    parents = splits["parent"] - count
    order = np.argsort(parents, kind="stable")
    pairs = order.reshape(-1, 2)[::-1]
    return [(int(parents[pair[0]]), pair) for pair in pairs]


def _peaks(values: NDArray[np.float64]) -> list[int]:
    """Places higher than what is left of them and not lower than what is right."""
    return [
        place
        for place in range(1, len(values) - 1)
        if values[place - 1] < values[place] >= values[place + 1]
    ]


def _jaccard(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    common = len(np.intersect1d(first, second))
    return common / max(len(first) + len(second) - common, 1)


def _nested(tree: NDArray[np.void], count: int, layers: Sequence[NDArray[np.int64]]) -> Hierarchy:
    """The groups of all layers as one hierarchy: each lies in the smallest one around it."""
    parents = _parents(tree, count)
    chosen = {int(group) for layer in layers for group in layer if group > 0}
    rows = _rows(tree, count, parents)
    below: dict[int | None, list[int]] = {}
    for group in sorted(chosen, key=lambda group: (-len(rows[group]), int(rows[group][0]))):
        below.setdefault(_around(group, chosen, parents), []).append(group)
    nodes: list[Node] = []
    pending: list[tuple[int | None, Path]] = [(None, ())]
    while pending:
        around, path = pending.pop()
        for number, group in enumerate(below.get(around, [])):
            nodes.append(Node(path=(*path, number), rows=rows[group]))
            pending.append((group, (*path, number)))
    return hierarchy(count, nodes)


def _parents(tree: NDArray[np.void], count: int) -> dict[int, int]:
    splits = tree[tree["child"] >= count]
    return {
        int(child) - count: int(parent) - count
        for child, parent in zip(splits["child"], splits["parent"], strict=True)
    }


def _around(group: int, chosen: set[int], parents: dict[int, int]) -> int | None:
    while group in parents:
        group = parents[group]
        if group in chosen:
            return group
    return None


def _rows(
    tree: NDArray[np.void], count: int, parents: dict[int, int]
) -> dict[int, NDArray[np.int64]]:
    """The documents of every group, those of the groups below it included."""
    leaves = tree[tree["child"] < count]
    held: dict[int, list[NDArray[np.int64]]] = {group: [] for group in (0, *parents)}
    owner = leaves["parent"] - count
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(held) + 1))
    for group in sorted(held, reverse=True):
        own = leaves["child"][order[bounds[group] : bounds[group + 1]]].astype(np.int64)
        held[group].append(own)
        if group in parents:
            held[parents[group]].extend(held[group])
    return {group: np.sort(np.concatenate(parts)) for group, parts in held.items()}
