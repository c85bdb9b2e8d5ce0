"""Fit one algorithm and answer in canonical form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.algorithms.algorithm import FitContext, Grouping
from clustering_pipeline.engine.algorithms.registry import algorithm as named
from clustering_pipeline.engine.neighborhood import Neighborhood
from clustering_pipeline.engine.numbering import canonical
from clustering_pipeline.engine.parameters import resolved
from clustering_pipeline.engine.vectors import Check, Labels, as_vectors, never
from clustering_pipeline.model.parameters import Parameters


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One group per row: 0 is the largest group, -1 is noise.

    ``labels`` is (n,) int64, ``probabilities`` (n,) float64 in [0, 1], ``record`` what was done.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    record: dict[str, object]


def fit(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    check: Check = never,
) -> Fit:
    """Group (n, d) vectors by ``algorithm``; ``random_state`` serves where no seed is named."""
    points = as_vectors(vectors)
    method = named(algorithm)
    settings = _seeded(resolved(algorithm, params), random_state)
    context = FitContext(neighborhood=neighbors or Neighborhood(points), check=check)
    grouping = _alone() if len(points) == 1 else method.fit(points, settings, context)
    labels = canonical(grouping.labels)
    record = {"algorithm": algorithm, "params": settings.model_dump(), **grouping.notes}
    return Fit(labels=labels, probabilities=_probabilities(grouping, labels), record=record)


def _seeded(settings: Parameters, random_state: int) -> Parameters:
    fields = type(settings).model_fields
    if "random_state" not in fields or "random_state" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"random_state": random_state})


def _alone() -> Grouping:
    return Grouping(labels=np.zeros(1, dtype=np.int64))


def _probabilities(grouping: Grouping, labels: Labels) -> NDArray[np.float64]:
    if grouping.probabilities is None:
        return (labels >= 0).astype(np.float64)
    return np.clip(grouping.probabilities, 0, 1)
