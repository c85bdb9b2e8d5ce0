"""The silhouette by cosine distance (Rousseeuw, 1987), exactly and without comparing pairs.

The mean cosine distance of a document to a group is one minus its product with the mean of the
group's unit vectors, so every document needs one product per group.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.numbering import group_count
from clustering_pipeline.engine.runtime.blocks import blocks, group_sums
from clustering_pipeline.engine.vectors import as_vectors, never, unit_rows
from clustering_pipeline.model.progress import Check


def cosine_silhouettes(
    vectors: ArrayLike, labels: ArrayLike, *, check: Check = never
) -> NDArray[np.float64]:
    """(n,) values in [-1, 1]; noise, and documents alone in their group, have 0."""
    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    count, values = group_count(groups), np.zeros(len(points))
    if count < 2:
        return values
    # Unit vectors a block at a time, twice: a copy of all of them takes longer to lay out.
    sums = np.zeros((count, points.shape[1]))
    for rows in blocks(len(points), check=check):
        sums += group_sums(unit_rows(points[rows]), groups[rows], count)
    sizes = np.bincount(groups[groups >= 0], minlength=count)
    for rows in blocks(len(points), check=check):
        units = unit_rows(points[rows]).astype(np.float64)
        values[rows] = _values(units, groups[rows], sums, sizes)
    return values


def _values(
    units: NDArray[np.float64],
    labels: NDArray[np.int64],
    sums: NDArray[np.float64],
    sizes: NDArray[np.int64],
) -> NDArray[np.float64]:
    totals = sizes - units @ sums.T
    own = np.maximum(labels, 0)
    each = np.arange(len(units))
    to_itself = 1 - np.einsum("ij,ij->i", units, units)
    inner = (totals[each, own] - to_itself) / np.maximum(sizes[own] - 1, 1)
    outer = totals / sizes
    outer[each, own] = np.inf
    nearest = outer.min(axis=1)
    larger = np.maximum(inner, nearest)
    values = np.divide(nearest - inner, larger, out=np.zeros_like(larger), where=larger > 1e-12)
    return np.where((labels >= 0) & (sizes[own] > 1), values, 0)
