"""OPTICS, Ankerst, Breunig, Kriegel and Sander (1999), by scikit-learn."""

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import of_pairs, of_rows
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.libraries import arguments_of, refuse_tree_without
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors, double, unit_rows
from clustering_pipeline.model.algorithms.density import OPTICSParams
from clustering_pipeline.model.errors import InvalidParameters

ANGULAR_UNIT = 1e-6  # leaves nine of the fifteen decimals that scikit-learn keeps of distances


def fit(vectors: Vectors, params: OPTICSParams, context: FitContext) -> Grouping:
    """Groups cut from the ordering by reachability; too few documents are all noise."""
    from sklearn.cluster import OPTICS  # noqa: PLC0415 - heavy

    refuse_tree_without(params.metric, algorithm=params.algorithm)
    if params.xi == 1 and params.cluster_method == "xi":
        message = "xi must be below 1, at which nothing is steep enough; 0.05 is usual"
        raise InvalidParameters(message)
    context.check()
    smallest = params.min_cluster_size
    if len(vectors) < max(params.min_samples, smallest or 0):
        return Grouping(labels=np.full(len(vectors), -1))
    points, metric, unit = _space(vectors, params.metric)
    ours = {
        "metric": metric,
        "max_eps": np.inf if params.max_eps is None else unit * params.max_eps,
        "eps": None if params.eps is None else unit * params.eps,
        "min_cluster_size": max(2, int(smallest)) if smallest and smallest > 1 else smallest,
    }
    # Copies reach each other at once: a ratio of reachabilities is then infinite, and steep.
    with one_thread(), np.errstate(divide="ignore"), arguments_of("optics"):
        model = OPTICS(**params.model_dump() | ours).fit(points)
    return Grouping(labels=model.labels_)


def _space(vectors: Vectors, metric: str) -> tuple[NDArray[np.float64], str, float]:
    """The points, the metric, and what a distance of one becomes there.

    Two documents are equally near to each other, but products of rows say so only up to rounding,
    which is another on another processor and decides the order.  So cosine distances are halves of
    squared chords, small enough that rounding is beyond the decimals that scikit-learn keeps.
    """
    if metric != "cosine":
        return double(vectors), metric, 1.0
    return np.sqrt(ANGULAR_UNIT / 2) * unit_rows(double(vectors)), "sqeuclidean", ANGULAR_UNIT


def memory(job: Job, _params: OPTICSParams) -> int:
    """Two copies of the vectors, and the distances of one block of them to all."""
    return 2 * job.count * job.dimensions * 8 + (1 << 30)


def seconds(job: Job, _params: OPTICSParams) -> float:
    """The neighbours of one document after the other."""
    return of_pairs(job, 2) + of_rows(job, 1)


ALGORITHM = Algorithm(params=OPTICSParams, fit=fit, memory=memory, seconds=seconds, density=True)
