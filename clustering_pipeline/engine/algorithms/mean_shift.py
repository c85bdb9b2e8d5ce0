"""Mean shift, Comaniciu and Meer (2002), by scikit-learn."""

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import of_few_dimensions, of_pairs
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.partitioning import MeanShiftParams
from clustering_pipeline.model.errors import InvalidParameters


def fit(vectors: Vectors, params: MeanShiftParams, context: FitContext) -> Grouping:
    """Groups around the peaks of the density; the bandwidth is estimated when none is given."""
    from sklearn.cluster import MeanShift, estimate_bandwidth, get_bin_seeds  # noqa: PLC0415 - heavy

    context.check()
    with one_thread():
        bandwidth = params.bandwidth or float(
            estimate_bandwidth(vectors, quantile=params.bandwidth_quantile)
        )
        if bandwidth <= 0:
            return Grouping(labels=np.zeros(len(vectors)), notes={"bandwidth": 0.0})
        seeds = None if params.seeds is None else np.array(params.seeds)
        if seeds is None and params.bin_seeding:
            seeds = get_bin_seeds(vectors, bandwidth, params.min_bin_freq)
        if seeds is not None and len(seeds) == 0:
            message = "there is no seed to climb from; give seeds, or lower min_bin_freq"
            raise InvalidParameters(message)
        model = MeanShift(
            bandwidth=bandwidth,
            seeds=seeds,
            cluster_all=params.cluster_all,
            n_jobs=params.n_jobs,
            max_iter=params.max_iter,
        ).fit(vectors)
    return Grouping(labels=model.labels_, notes={"bandwidth": bandwidth})


def memory(job: Job, _params: MeanShiftParams) -> int:
    """A climb from every document, and the distances of one block of them to all."""
    return 3 * job.count * job.dimensions * 8 + (1 << 30)


def seconds(job: Job, _params: MeanShiftParams) -> float:
    """Thirty steps of every climb."""
    return of_pairs(job, 30) + of_few_dimensions(job, 800)


ALGORITHM = Algorithm(params=MeanShiftParams, fit=fit, memory=memory, seconds=seconds)
