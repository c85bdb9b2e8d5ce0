"""Groups within groups: one parent each, and sizes that add up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.centroids import members_of
from clustering_pipeline.engine.vectors import NOISE, Labels
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.model.ids import GroupPath

Path: TypeAlias = GroupPath


@dataclass(frozen=True, kw_only=True)
class Node:
    """A group: ``path`` holds its number among its siblings, after those of its ancestors.

    ``rows`` are its documents, those of its children included.
    """

    path: Path
    rows: NDArray[np.int64]

    @property
    def parent(self) -> Path | None:
        """The path of the group around it."""
        return self.path[:-1] or None

    @property
    def level(self) -> int:
        """0 at the top."""
        return len(self.path) - 1


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """All groups, parents before children, and for each of n documents the ``deepest`` group that
    holds it: an index into ``nodes``, -1 for noise.
    """

    nodes: tuple[Node, ...]
    deepest: Labels

    @property
    def depth(self) -> int:
        """How many levels there are."""
        return max((node.level + 1 for node in self.nodes), default=0)

    def children(self, path: Path) -> tuple[Node, ...]:
        """The groups right below ``path``."""
        return tuple(node for node in self.nodes if node.parent == path)


def hierarchy(count: int, nodes: Iterable[Node]) -> Hierarchy:
    """The hierarchy of ``nodes`` over ``count`` documents.

    Raises ``ClusteringError`` when a node's parent is missing, when siblings share a document, or
    when a child holds one that its parent does not.
    """
    ordered = tuple(sorted(nodes, key=lambda node: (len(node.path), node.path)))
    index = {node.path: place for place, node in enumerate(ordered)}
    deepest = np.full(count, NOISE, dtype=np.int64)
    for place, node in enumerate(ordered):
        around = NOISE if node.parent is None else index.get(node.parent)
        if around is None or not (deepest[node.rows] == around).all():
            message = f"group {node.path} does not lie in {node.parent or 'the documents'} alone"
            raise ClusteringError(message)
        deepest[node.rows] = place
    return Hierarchy(nodes=ordered, deepest=deepest)


def moved(tree: Hierarchy, count: int, rows: NDArray[np.int64]) -> Hierarchy:
    """The same groups among ``count`` documents, where those of ``tree`` are ``rows``."""
    nodes = [Node(path=node.path, rows=rows[node.rows]) for node in tree.nodes]
    return hierarchy(count, nodes)


def of_deepest(paths: Sequence[Sequence[int]], deepest: Labels) -> Hierarchy:
    """The groups of ``paths``, parents first, where ``deepest`` holds each document's place."""
    names = [tuple(path) for path in paths]
    places = {path: place for place, path in enumerate(names)}
    rows = [np.flatnonzero(deepest == place) for place in range(len(names))]
    for path in reversed(names):
        if len(path) > 1:
            above = places[path[:-1]]
            rows[above] = np.union1d(rows[above], rows[places[path]])
    nodes = [Node(path=path, rows=rows[place]) for path, place in places.items()]
    return hierarchy(len(deepest), nodes)


def by_size(tree: Hierarchy) -> Hierarchy:
    """The same groups, siblings numbered by size, without those that hold no document."""
    nodes: list[Node] = []
    pending: list[tuple[Path | None, Path]] = [(None, ())]
    while pending:
        old, new = pending.pop()
        siblings = [node for node in tree.nodes if node.parent == old and len(node.rows)]
        siblings.sort(key=lambda node: (-len(node.rows), int(node.rows[0])))
        for number, node in enumerate(siblings):
            nodes.append(Node(path=(*new, number), rows=node.rows))
            pending.append((node.path, (*new, number)))
    return hierarchy(len(tree.deepest), nodes)


def of_labels(parents: Labels, children: Labels) -> Hierarchy:
    """Two levels: the groups of ``parents``, and those of ``children`` renumbered within each."""
    nodes = [Node(path=(number,), rows=rows) for number, rows in enumerate(members_of(parents))]
    below: dict[int, int] = {}
    for rows in members_of(children):
        parent = int(parents[rows[0]])
        number = below[parent] = below.get(parent, -1) + 1
        nodes.append(Node(path=(parent, number), rows=rows))
    return hierarchy(len(parents), nodes)


def sizes(tree: Hierarchy) -> Mapping[Path, int]:
    """How many documents each group holds, those of its children included."""
    return {node.path: len(node.rows) for node in tree.nodes}


def top_labels(tree: Hierarchy) -> Labels:
    """The top group of every document, -1 for noise."""
    tops: Sequence[int] = [node.path[0] for node in tree.nodes]
    lookup = np.array([*tops, NOISE], dtype=np.int64)
    return lookup[tree.deepest]
