"""How a grouping relates to what is known about the documents, and to another grouping of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.vectors import Labels

MOST_VALUES = 50


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Adjusted Rand index and normalised mutual information over ``documents`` that are in a
    group and have a value.
    """

    adjusted_rand_index: float
    normalized_mutual_information: float
    documents: int


def agreement(labels: ArrayLike, values: Sequence[Any]) -> Agreement | None:
    """Compare groups with the values of one field; None when no document has both."""
    from sklearn import metrics  # noqa: PLC0415 - heavy

    groups, codes = _both(np.asarray(labels, dtype=np.int64), values, missing=False)
    if len(groups) == 0:
        return None
    return Agreement(
        adjusted_rand_index=float(metrics.adjusted_rand_score(codes, groups)),
        normalized_mutual_information=float(metrics.normalized_mutual_info_score(codes, groups)),
        documents=len(groups),
    )


def explained_shares(
    labels: ArrayLike, fields: Mapping[str, Sequence[Any]], *, most_values: int = MOST_VALUES
) -> dict[str, float]:
    """For each field of 2 to ``most_values`` values, how much of the grouping it explains.

    The share of the groups' entropy that goes away when the value is known, beyond what chance
    would explain: 0 says nothing, 1 means that the groups only repeat the field.  Largest first.
    """
    groups = np.asarray(labels, dtype=np.int64)
    shares: dict[str, float] = {}
    for name, values in fields.items():
        inside, codes = _both(groups, values, missing=True)
        if 2 <= len(np.unique(codes)) <= min(most_values, max(len(codes) // 2, 2)):
            shares[name] = _explained(inside, codes)
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def _explained(groups: Labels, codes: NDArray[np.int64]) -> float:
    from sklearn.metrics import mutual_info_score  # noqa: PLC0415 - heavy
    from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information  # noqa: PLC0415 - heavy

    sizes = np.bincount(groups)
    shares = sizes[sizes > 0] / len(groups)
    entropy = float(-(shares * np.log(shares)).sum())
    table = contingency_matrix(groups, codes, sparse=True).astype(np.float64)
    chance = float(expected_mutual_information(table, len(groups)))
    if entropy - chance <= 1e-12:
        return 0.0
    return float(np.clip((mutual_info_score(groups, codes) - chance) / (entropy - chance), 0, 1))


def _both(
    labels: Labels, values: Sequence[Any], *, missing: bool
) -> tuple[Labels, NDArray[np.int64]]:
    """Groups and value numbers of the documents in a group; ``missing`` counts as a value."""
    names = [None if value is None else f"{type(value).__name__}:{value}" for value in values]
    numbers = {name: code for code, name in enumerate(dict.fromkeys(names))}
    codes = np.array([numbers[name] for name in names], dtype=np.int64)
    counted = labels >= 0
    if not missing and None in numbers:
        counted &= codes != numbers[None]
    return labels[counted], codes[counted]


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
