"""Density-based validity, DBCV (Moulavi et al., 2014), by the hdbscan package."""

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from clustering_pipeline.engine.numbering import group_count
from clustering_pipeline.engine.sampling import sample_rows
from clustering_pipeline.engine.vectors import as_vectors

SAMPLE = 10_000
SMALLEST = 2


def density_validity(
    vectors: ArrayLike, labels: ArrayLike, *, sample: int = SAMPLE, random_state: int = 42
) -> float | None:
    """DBCV in [-1, 1] in the space of ``vectors``, which should be the one that was clustered.

    Measured on a seeded sample of at most ``sample`` documents, noise included; None when fewer
    than two groups remain, or when the dimensions are so many that its powers overflow.
    """
    from hdbscan.validity import validity_index  # noqa: PLC0415 - heavy

    points, groups = as_vectors(vectors), np.asarray(labels, dtype=np.int64)
    rows = sample_rows(len(points), sample, random_state=random_state)
    points, groups = points[rows].astype(np.float64), _without_singles(groups[rows])
    if group_count(groups) < 2:
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = float(validity_index(points, groups))
        except (ValueError, FloatingPointError, ZeroDivisionError):
            return None
    return value if math.isfinite(value) else None


def _without_singles(labels: np.ndarray) -> np.ndarray:
    """Groups of one are noise to a density, and the others are numbered without gaps."""
    names, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    kept = (names >= 0) & (sizes >= SMALLEST)
    numbers = np.where(kept, np.cumsum(kept) - 1, -1)
    return numbers[inverse]
