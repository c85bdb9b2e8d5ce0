"""Which documents stand for a group."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

_POOL = 2_000
_DENSITY_NEIGHBORS = 10


def representatives(
    vectors: np.ndarray,
    members: np.ndarray,
    texts: Sequence[str],
    *,
    count: int | None = None,
    strategy: str = "nearest",
) -> list[int]:
    """Row numbers of the documents that stand for a group, most telling first.

    ``members`` are the group's rows of ``vectors`` (n, d).  ``nearest`` takes those closest to the
    centroid; ``representative`` about 40 % of those, 40 % spread out by farthest point, 20 % from
    where the group is densest.  ``count`` is 3–20 by size and spread when unset.  Of documents
    with the same text one is taken, and none without text while others have one.
    """
    rows = _distinct(members, texts)
    if not len(rows):
        return []
    unit = _unit(vectors[rows])
    # Not by BLAS, whose sums follow the row and the number of threads.
    closeness = np.einsum("ij,j->i", unit, _unit(unit.mean(axis=0, keepdims=True))[0])
    most = count or default_count(len(members), spread=1.0 - float(closeness.mean()))
    order = np.argsort(-closeness, kind="stable")
    if strategy == "representative" and most < len(rows):
        order = _mixed(unit, order, most)
    return [int(row) for row in rows[order[:most]]]


def default_count(size: int, *, spread: float) -> int:
    """Between 3 and 20: more for a large group and for one whose members differ."""
    count = math.log2(max(size, 2)) * (0.6 + 1.6 * min(max(spread, 0.0), 1.0))
    return int(min(max(round(count), 3), 20))


def _distinct(members: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    first: dict[str, int] = {}
    for row in members.tolist():
        first.setdefault(" ".join(texts[row].split()).casefold(), row)
    if len(first) > 1:
        first.pop("", None)
    return np.fromiter(first.values(), dtype=np.int64, count=len(first))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def _mixed(unit: np.ndarray, order: np.ndarray, most: int) -> np.ndarray:
    pool = order[np.linspace(0, len(order) - 1, min(len(order), _POOL)).astype(np.int64)]
    central = order[: max(1, round(0.4 * most))].tolist()
    spread = _farthest(unit, pool, central, round(0.4 * most))
    dense = [row for row in _densest(unit, pool) if row not in {*central, *spread}]
    chosen = [*central, *spread, *dense][:most]
    return np.array(chosen, dtype=np.int64)


def _farthest(unit: np.ndarray, pool: np.ndarray, chosen: list[int], most: int) -> list[int]:
    """Farthest-point sampling, started from what is chosen already."""
    likeness = (unit[pool] @ unit[chosen].T).max(axis=1)
    farthest: list[int] = []
    for _ in range(min(most, len(pool))):
        at = int(np.argmin(likeness))
        if pool[at] in chosen or pool[at] in farthest:
            break
        farthest.append(int(pool[at]))
        likeness = np.maximum(likeness, unit[pool] @ unit[pool[at]])
    return farthest


def _densest(unit: np.ndarray, pool: np.ndarray) -> list[int]:
    likeness = unit[pool] @ unit[pool].T
    near = min(_DENSITY_NEIGHBORS + 1, len(pool))
    density = np.partition(likeness, -near, axis=1)[:, -near:].mean(axis=1)
    return [int(row) for row in pool[np.argsort(-density, kind="stable")]]


_NEAREST_GROUPS = 4


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
    order = np.argsort(-likeness, axis=1, kind="stable")[
        :, : min(_NEAREST_GROUPS, len(numbers) - 1)
    ]
    return {
        int(number): tuple(int(other) for other in numbers[row])
        for number, row in zip(numbers, order, strict=True)
    }


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine similarity; 0 for a zero vector."""
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / lengths if lengths else 0.0
