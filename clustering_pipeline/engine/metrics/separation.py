"""Whether a group is two: a split that half of its members make and the other half confirm."""

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.vectors import Labels, Vectors, unit_rows

# Of its scatter along the line between two centres, a normal distribution keeps 36 % when it is
# cut where it is thickest, an even one 25 %.
SPLIT = 0.12
SMALLEST = 0.2  # of the members: fewer are the group's fringe
FEWEST_MEMBERS = 30
MOST_MEMBERS = 1_000
LARGEST_GROUPS = 50
ROUNDS = 20
SEED = 7


def falls_apart(vectors: Vectors, labels: Labels) -> list[int]:
    """Numbers of the groups, of the 50 largest, whose members lie on two sides of a gap.

    ``labels`` are canonical: the largest group is 0.
    """
    rng = np.random.default_rng(SEED)
    apart = []
    for number in range(min(group_count(labels), LARGEST_GROUPS)):
        members = np.flatnonzero(labels == number)
        if len(members) < FEWEST_MEMBERS:
            break
        drawn = rng.permutation(members)[:MOST_MEMBERS]
        if _left(unit_rows(vectors[drawn]).astype(np.float64)) < SPLIT:
            apart.append(number)
    return apart


def _left(points: NDArray[np.float64]) -> float:
    """The share of the scatter along the line between both halves' centres that a cut leaves."""
    fitted, others = points[::2], points[1::2]
    first, second = two_centres(fitted)
    along = np.sort(others @ (second - first))
    total = float(((along - along.mean()) ** 2).sum())
    if total <= 1e-12:
        return 1.0
    count = len(along)
    sums, squares = np.cumsum(along), np.cumsum(along**2)
    cuts = np.arange(max(1, int(SMALLEST * count)), min(count - 1, int((1 - SMALLEST) * count)) + 1)
    below = squares[cuts - 1] - sums[cuts - 1] ** 2 / cuts
    above = squares[-1] - squares[cuts - 1] - (sums[-1] - sums[cuts - 1]) ** 2 / (count - cuts)
    return float((below + above).min()) / total


def two_centres(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The means of two groups, from the two ends of the widest direction."""
    centred = points - points.mean(axis=0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    side = centred @ direction > 0
    for _ in range(ROUNDS):
        if side.all() or not side.any():
            break
        first, second = points[~side].mean(axis=0), points[side].mean(axis=0)
        middle = (second @ second - first @ first) / 2
        moved = points @ (second - first) > middle
        if (moved == side).all():
            break
        side = moved
    if side.all() or not side.any():
        return points[0], points[0]
    return points[~side].mean(axis=0), points[side].mean(axis=0)
