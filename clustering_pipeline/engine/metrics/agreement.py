"""How a grouping relates to what is already known about the documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    from sklearn.metrics.cluster import (  # noqa: PLC0415 - heavy
        contingency_matrix,
        expected_mutual_information,
    )

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
    kept = labels >= 0
    if not missing and None in numbers:
        kept &= codes != numbers[None]
    return labels[kept], codes[kept]
