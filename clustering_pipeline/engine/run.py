"""The engine's one entry: vectors in, groups out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.algorithms import fit
from clustering_pipeline.engine.neighborhood import Neighborhood
from clustering_pipeline.engine.outliers import outlier_scores
from clustering_pipeline.engine.preprocessing import reduce
from clustering_pipeline.engine.vectors import Check, Labels, as_vectors, never


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """``labels`` (n,) int64, 0 the largest group and -1 noise; ``probabilities`` and
    ``outlier_scores`` (n,) float64 in [0, 1], the latter from the original vectors; ``record``
    what was done.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    outlier_scores: NDArray[np.float64]
    record: dict[str, object]


def cluster(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | None = None,
    preprocessing: Sequence[Mapping[str, Any]] | None = None,
    random_state: int = 42,
    check: Check = never,
) -> Clustering:
    """Group (n, d) vectors: preprocessing steps in order, then the algorithm."""
    original = as_vectors(vectors)
    hood = Neighborhood(original, check)
    reduction = reduce(
        original, preprocessing, random_state=random_state, neighbors=hood, check=check
    )
    fitted = fit(
        reduction.vectors,
        algorithm=algorithm,
        params=params,
        random_state=random_state,
        neighbors=hood if reduction.vectors is original else None,
        check=check,
    )
    return Clustering(
        labels=fitted.labels,
        probabilities=fitted.probabilities,
        outlier_scores=outlier_scores(original, neighbors=hood),
        record={"preprocessing": list(reduction.record), **fitted.record},
    )
