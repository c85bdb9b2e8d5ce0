"""Groups as people want them: as many as that, and no more noise than that."""

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.metrics.separation import two_centres
from clustering_pipeline.engine.runtime.blocks import blocks, group_sums
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors, never, unit_rows
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.progress import Check


def with_less_noise(
    vectors: Vectors, labels: Labels, target: float, check: Check = never
) -> tuple[Labels, NDArray[np.bool_]]:
    """The groups after noise has joined the nearest of them until ``target`` of all documents is
    left, and (n,) which documents did.

    Nearness is the cosine to a group's centroid; those nearest to a group go first, equally near
    ones together.  A zero vector lies nowhere and stays noise.  Without a group nothing changes.
    """
    joined = np.zeros(len(labels), dtype=np.bool_)
    noise = np.flatnonzero((labels < 0) & vectors.any(axis=1))
    excess = int((labels < 0).sum()) - int(target * len(labels) + 1e-9)
    if group_count(labels) == 0 or excess <= 0 or not len(noise):
        return labels, joined
    middles = unit_rows(group_sums(unit_rows(vectors), labels, group_count(labels), check))
    nearest = np.empty(len(noise), dtype=np.int64)
    cosines = np.empty(len(noise))
    for rows in blocks(len(noise), check=check):
        products = unit_rows(vectors[noise[rows]]).astype(np.float64) @ middles.T
        nearest[rows] = products.argmax(axis=1)
        cosines[rows] = np.round(products.max(axis=1), 12)
    least = np.sort(cosines)[::-1][min(excess, len(noise)) - 1]
    enters = cosines >= least
    joined[noise[enters]] = True
    changed = labels.copy()
    changed[noise[enters]] = nearest[enters]
    return changed, joined


def as_many_groups(vectors: Vectors, labels: Labels, count: int, check: Check = never) -> Labels:
    """The same documents in ``count`` groups: the two nearest join (Ward, 1963, on unit vectors)
    while there are more, the widest is cut in two while there are fewer.

    Raises ``InvalidParameters`` where the documents in groups are too few, or too many are equal.
    """
    units = unit_rows(vectors).astype(np.float64)
    current = canonical(labels)
    inside = int((current >= 0).sum())
    if group_count(current) == 0 or count > inside:
        message = f"groups_wanted is {count}, and {inside} documents are in groups: ask for fewer"
        raise InvalidParameters(message)
    if group_count(current) > count:
        current = _joined(units, current, count, check)
    whole: set[int] = set()
    while group_count(current) < count:
        check()
        current = _with_one_cut(units, current, whole, count)
    return canonical(current)


def _joined(units: NDArray[np.float64], labels: Labels, count: int, check: Check) -> Labels:
    sizes = np.bincount(labels[labels >= 0]).astype(np.float64)
    means = group_sums(units, labels, len(sizes)) / sizes[:, None]
    names = np.arange(len(sizes))
    alive = list(range(len(sizes)))
    while len(alive) > count:
        check()
        points, weights = means[alive], sizes[alive]
        squares = (points**2).sum(axis=1)
        gaps = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
        costs = gaps * weights[:, None] * weights / (weights[:, None] + weights)
        np.fill_diagonal(costs, np.inf)
        first, second = sorted(divmod(int(costs.argmin()), len(alive)))
        into, gone = alive[first], alive.pop(second)
        total = sizes[into] + sizes[gone]
        means[into] = (sizes[into] * means[into] + sizes[gone] * means[gone]) / total
        sizes[into] = total
        names[names == gone] = into
    return np.where(labels >= 0, names[np.maximum(labels, 0)], NOISE)


def _with_one_cut(
    units: NDArray[np.float64], labels: Labels, whole: set[int], count: int
) -> Labels:
    """The group of the largest scatter in two; ``whole`` are those that no cut divides."""
    groups = group_count(labels)
    sizes = np.bincount(labels[labels >= 0], minlength=groups)
    sums = group_sums(units, labels, groups)
    scatter = sizes - (sums**2).sum(axis=1) / np.maximum(sizes, 1)
    scatter[list(whole)] = -np.inf
    widest = int(scatter.argmax())
    if scatter[widest] <= 1e-9:
        message = (
            f"groups_wanted is {count}, and no more than {groups} groups of different documents "
            "can be made: ask for fewer"
        )
        raise InvalidParameters(message)
    members = np.flatnonzero(labels == widest)
    first, second = two_centres(units[members])
    beyond = units[members] @ (second - first) > (second @ second - first @ first) / 2
    changed = labels.copy()
    if beyond.any() and not beyond.all():
        changed[members[beyond]] = groups
    else:
        whole.add(widest)
    return changed
