"""Which group of one clustering lies within a group of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.vectors import Labels

THRESHOLD = 0.7


@dataclass(frozen=True, kw_only=True)
class Relation:
    """``overlap`` of the ``child_size`` members of a group are members of the parent."""

    parent_feature: str
    parent: int
    child_feature: str
    child: int
    overlap: float
    child_size: int


def overlap_relations(
    labels: Mapping[str, Labels], *, threshold: float = THRESHOLD
) -> tuple[Relation, ...]:
    """Parents and children among independent clusterings of the same documents.

    A group is the child of the larger one (of equals, the one of the earlier feature) that holds at
    least ``threshold`` of its members.  Ordered by the order of the features, then by number.
    """
    order = {name: place for place, name in enumerate(labels)}
    return tuple(
        Relation(
            parent_feature=above,
            parent=parent,
            child_feature=below,
            child=child,
            overlap=share,
            child_size=size,
        )
        for above, below in permutations(labels, 2)
        for parent, child, share, size in _contained(
            labels[above], labels[below], threshold, equals=order[above] < order[below]
        )
    )


def _contained(
    above: Labels, below: Labels, threshold: float, *, equals: bool
) -> list[tuple[int, int, float, int]]:
    """(parent, child, share, child size) for the groups of ``below`` within groups of ``above``."""
    common = _common(above, below)
    sizes_above = np.bincount(above[above >= 0], minlength=common.shape[0])
    sizes_below = np.bincount(below[below >= 0], minlength=common.shape[1])
    shares = common / np.maximum(sizes_below, 1)
    larger = sizes_above[:, None] > sizes_below
    if equals:
        larger |= sizes_above[:, None] == sizes_below
    parents, children = np.nonzero((shares >= threshold) & larger)
    return [
        (int(parent), int(child), float(shares[parent, child]), int(sizes_below[child]))
        for parent, child in zip(parents, children, strict=True)
    ]


def _common(above: Labels, below: Labels) -> NDArray[np.int64]:
    """How many documents each pair of groups shares."""
    both = (above >= 0) & (below >= 0)
    shape = (group_count(above), group_count(below))
    table = np.zeros(shape, dtype=np.int64)
    np.add.at(table, (above[both], below[both]), 1)
    return table
