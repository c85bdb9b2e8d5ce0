"""DBSCAN, Ester, Kriegel, Sander and Xu (1996), by scikit-learn."""

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import of_few_dimensions, of_pairs
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.libraries import arguments_of, refuse_tree_without
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors, double
from clustering_pipeline.model.algorithms.density import DBSCANParams

PROBES = 256
BYTES_PER_NEIGHBOR = 16


def fit(vectors: Vectors, params: DBSCANParams, context: FitContext) -> Grouping:
    """Groups of density ``min_samples`` within ``eps``; the rest is noise."""
    from sklearn.cluster import DBSCAN  # noqa: PLC0415 - heavy

    refuse_tree_without(params.metric, algorithm=params.algorithm)
    context.check()
    ours = {
        "metric_params": params.metric_params or None,
        "p": params.p if params.metric == "minkowski" else None,
    }
    with one_thread(), arguments_of("dbscan"):
        model = DBSCAN(**params.model_dump() | ours).fit(double(vectors))
    return Grouping(labels=model.labels_, notes={"cores": len(model.core_sample_indices_)})


def memory(job: Job, params: DBSCANParams) -> int:
    """A copy, and the neighbour lists, from the share of documents within ``eps`` of a few."""
    # The share is known once the vectors are reduced.
    share = 0 if job.vectors is None else _neighbor_share(job.vectors, params)
    return 8 * job.count * job.dimensions + int(job.count**2 * share * BYTES_PER_NEIGHBOR)


def seconds(job: Job, params: DBSCANParams) -> float:
    """Every distance, and looking at every neighbour."""
    share = 0 if job.vectors is None else _neighbor_share(job.vectors, params)
    return of_pairs(job) + of_few_dimensions(job, 20 * share)


def _neighbor_share(vectors: Vectors, params: DBSCANParams) -> float:
    from sklearn.metrics import pairwise_distances  # noqa: PLC0415 - heavy

    rows = np.linspace(0, len(vectors) - 1, num=min(PROBES, len(vectors)), dtype=np.int64)
    probes = vectors[rows]
    power = {"p": params.p} if params.metric == "minkowski" else {}
    with arguments_of("dbscan"):
        apart = pairwise_distances(probes, metric=params.metric, **power | params.metric_params)
    # Of single precision, the comparison would overflow for an eps beyond that.
    return float((apart.astype(np.float64) <= params.eps).mean())


ALGORITHM = Algorithm(params=DBSCANParams, fit=fit, memory=memory, seconds=seconds, density=True)
