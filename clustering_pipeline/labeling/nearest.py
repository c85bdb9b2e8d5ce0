"""Which groups lie closest to which."""

from collections.abc import Mapping

import numpy as np

_NEIGHBORS = 4


def centers_of(vectors: np.ndarray, members: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """The mean vector of each group, at length 1 unless it is zero."""
    means = {number: vectors[rows].mean(axis=0) for number, rows in members.items()}
    return {number: mean / (float(np.linalg.norm(mean)) or 1.0) for number, mean in means.items()}


def nearest_groups(centers: Mapping[int, np.ndarray]) -> dict[int, tuple[int, ...]]:
    """Up to four other groups for each, most alike first."""
    if not centers:
        return {}
    numbers = np.array(list(centers))
    stacked = np.stack(list(centers.values()))
    likeness = stacked @ stacked.T
    np.fill_diagonal(likeness, -np.inf)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, : min(_NEIGHBORS, len(numbers) - 1)]
    return {
        int(number): tuple(int(other) for other in numbers[row])
        for number, row in zip(numbers, order, strict=True)
    }


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine similarity; 0 for a zero vector."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
