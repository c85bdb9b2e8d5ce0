"""Agglomerative clustering, by scikit-learn."""

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import of_few_dimensions, of_pairs
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.graph import AgglomerativeParams
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.json_values import JsonValue

FULL_TREE = {"auto": "auto", "true": True, "false": False}


def fit(vectors: Vectors, params: AgglomerativeParams, context: FitContext) -> Grouping:
    """Join the two nearest groups until ``n_clusters`` or ``distance_threshold`` is reached."""
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415 - heavy

    context.check()
    count = _wanted(params)
    with one_thread():
        model = AgglomerativeClustering(
            n_clusters=None if count is None else min(count, len(vectors)),
            metric=params.affinity,
            connectivity=_matrix(params.connectivity, len(vectors)),
            compute_full_tree=True if count is None else FULL_TREE[params.compute_full_tree],
            linkage=params.linkage,
            distance_threshold=params.distance_threshold,
            compute_distances=params.compute_distances,
        ).fit(vectors)
    notes: dict[str, object] = {"groups": int(model.n_clusters_)}
    if params.compute_distances:
        notes["distances"] = model.distances_.tolist()
    return Grouping(labels=model.labels_, notes=notes)


def memory(job: Job, params: AgglomerativeParams) -> int:
    """All distances twice, unless the linkage is single, which needs one row of them."""
    if params.linkage == "single":
        return 2 * job.count * job.dimensions * 8
    return job.count**2 * 8


def seconds(job: Job, _params: AgglomerativeParams) -> float:
    """Every distance, and joining."""
    return of_pairs(job, 1.5) + of_few_dimensions(job, 40)


def _matrix(given: JsonValue, count: int) -> np.ndarray | None:
    if given is None:
        return None
    message = (
        f"connectivity must be a matrix of {count} rows and columns, one for each fitted document"
    )
    try:
        matrix = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidParameters(message) from error
    if matrix.shape != (count, count):
        raise InvalidParameters(message)
    return matrix


def _wanted(params: AgglomerativeParams) -> int | None:
    """``distance_threshold`` replaces the default number of groups; both at once is an error."""
    if params.linkage == "ward" and params.affinity not in {"euclidean", "l2"}:
        message = (
            f"linkage 'ward' takes affinity 'euclidean', not {params.affinity!r}; "
            "use linkage 'average'"
        )
        raise InvalidParameters(message)
    if params.distance_threshold is None and params.n_clusters is None:
        message = "agglomerative needs n_clusters or distance_threshold; give one"
        raise InvalidParameters(message)
    if params.distance_threshold is None:
        return params.n_clusters
    if params.n_clusters not in {None, AgglomerativeParams().n_clusters}:
        message = "agglomerative takes n_clusters or distance_threshold, not both; drop one"
        raise InvalidParameters(message)
    return None


ALGORITHM = Algorithm(params=AgglomerativeParams, fit=fit, memory=memory, seconds=seconds)
