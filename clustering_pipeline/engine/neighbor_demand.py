"""How many neighbours a run will ask for, so that one search lists enough for all of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from clustering_pipeline.engine.algorithms.registry import algorithm as named
from clustering_pipeline.engine.neighbors.neighborhood import EACH_OTHER, Wanted
from clustering_pipeline.engine.neighbors.outliers import NEIGHBORS
from clustering_pipeline.engine.parameters import resolved, resolved_step
from clustering_pipeline.engine.preprocessing.registry import step_named
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.preprocessing import Step


def neighbors_wanted(
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    preprocessing: Sequence[Mapping[str, Any] | Step] | None = None,
) -> int:
    """The most that outlier scores and whatever groups or reduces the original vectors will want.

    Cosine and Euclidean neighbours only, which come from one search.
    """
    wanted = _of_original(algorithm, params, preprocessing or ())
    if wanted is None or wanted.metric not in EACH_OTHER:
        return NEIGHBORS
    return max(NEIGHBORS, wanted.count)


def _of_original(
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None,
    preprocessing: Sequence[Mapping[str, Any] | Step],
) -> Wanted | None:
    for given in preprocessing:
        step = resolved_step(given)
        if step.model_dump()["method"] != "none":
            return step_named(step).neighbors(step)
    return named(algorithm).neighbors(resolved(algorithm, params))
