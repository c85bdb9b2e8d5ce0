"""HDBSCAN*, Campello, Moulavi and Sander (2013)."""

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.vectors import Vectors, unit_rows
from clustering_pipeline.model.density_params import HDBSCANParams


def fit(vectors: Vectors, params: HDBSCANParams, context: FitContext) -> Grouping:
    """Dense regions that persist; what lies between is noise."""
    from hdbscan import HDBSCAN  # noqa: PLC0415 - heavy

    context.check()
    if len(vectors) < max(params.min_cluster_size, 3):
        return Grouping(labels=np.full(len(vectors), -1))
    cosine = params.metric == "cosine"
    points = unit_rows(vectors) if cosine else vectors
    model = HDBSCAN(
        min_cluster_size=params.min_cluster_size,
        min_samples=min(params.min_samples or params.min_cluster_size, len(points) - 1),
        cluster_selection_epsilon=params.cluster_selection_epsilon,
        max_cluster_size=params.max_cluster_size or 0,
        metric="euclidean" if cosine else params.metric,
        alpha=params.alpha,
        cluster_selection_method=params.cluster_selection_method,
        allow_single_cluster=params.allow_single_cluster,
        match_reference_implementation=params.match_reference_implementation,
        approx_min_span_tree=False,
        core_dist_n_jobs=1,
    ).fit(points.astype(np.float64))
    notes = {"normalised": "rows to length one, for the metric cosine"} if cosine else {}
    return Grouping(labels=model.labels_, probabilities=model.probabilities_, notes=notes)


ALGORITHM = Algorithm(params=HDBSCANParams, fit=fit)
