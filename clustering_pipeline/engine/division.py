"""Divide groups again and again, each by the method that made it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.centroids import members_of
from clustering_pipeline.engine.groups.hierarchy import Hierarchy, Node, Path, hierarchy
from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.interruptible import fit_interruptibly
from clustering_pipeline.engine.preprocessing import of_rows, reduce
from clustering_pipeline.engine.vectors import Labels, as_vectors, never
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.preprocessing import Step
from clustering_pipeline.model.progress import Check

SMALLEST = 20
DEPTH = 3

Regroup: TypeAlias = Callable[[NDArray[np.int64]], Labels]


def divide(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    preprocessing: Sequence[Mapping[str, Any] | Step] | None = None,
    max_depth: int = DEPTH,
    smallest: int = SMALLEST,
    random_state: int = 42,
    targets: Mapping[str, Sequence[object]] | None = None,
    check: Check = never,
) -> Hierarchy:
    """The groups of ``labels`` over (n, d) vectors, divided ``max_depth`` levels below the top.

    Every group of at least ``smallest`` documents goes through the same preprocessing and algorithm
    on its own; it stays whole when that does not find two groups.  ``targets`` as in ``cluster``.
    """

    def regroup(rows: NDArray[np.int64]) -> Labels:
        check()
        reduction = reduce(
            points[rows],
            preprocessing,
            random_state=random_state,
            targets=of_rows(targets, rows),
            check=check,
        )
        return fit_interruptibly(
            reduction.vectors,
            algorithm=algorithm,
            params=params,
            random_state=random_state,
            check=check,
        ).labels

    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    tops = [Node(path=(number,), rows=rows) for number, rows in enumerate(members_of(groups))]
    nodes = [node for top in tops for node in _below(top, regroup, max_depth, smallest)]
    return hierarchy(len(points), nodes)


def _below(node: Node, regroup: Regroup, depth: int, smallest: int) -> Iterator[Node]:
    yield node
    if depth < 1 or len(node.rows) < smallest:
        return
    for child in _children(node.path, node.rows, regroup(node.rows)):
        yield from _below(child, regroup, depth - 1, smallest)


def _children(path: Path, rows: NDArray[np.int64], labels: Labels) -> Iterator[Node]:
    if group_count(labels) < 2:
        return
    for number, inside in enumerate(members_of(labels)):
        yield Node(path=(*path, number), rows=rows[inside])
