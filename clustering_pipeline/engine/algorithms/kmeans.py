"""Lloyd's k-means by scikit-learn, the starts side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.effort import PRODUCTS
from clustering_pipeline.engine.job import Job
from clustering_pipeline.engine.kmeans_start import random_start, spread_start
from clustering_pipeline.engine.threads import cores, one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.partitioning_params import KMeansParams

MOST_AT_ONCE = 8


def fit(vectors: Vectors, params: KMeansParams, context: FitContext) -> Grouping:
    """``n_clusters`` groups, or one per document when there are fewer: the start of least inertia.

    Each start runs on one thread, so that its sums do not depend on how many there are.
    """
    count = min(params.n_clusters, len(vectors))
    centres = list(_starts(vectors, params, count, context))
    with one_thread(), ThreadPoolExecutor(_at_once(params)) as pool:
        models = list(pool.map(lambda start: _lloyd(vectors, params, start), centres))
    best = min(range(len(models)), key=lambda start: (models[start].inertia_, start))
    model = models[best]
    gaps = vectors - model.cluster_centers_[model.labels_]
    inertia = float(np.einsum("ij,ij->", gaps, gaps, dtype=np.float64))
    notes = {"inertia": inertia, "iterations": int(model.n_iter_), "start": best}
    return Grouping(labels=model.labels_, notes=notes)


def memory(job: Job, params: KMeansParams) -> int:
    """A centred copy of the vectors for each start under way."""
    copies = _at_once(params) + 1
    return copies * job.count * job.dimensions * job.itemsize


def seconds(job: Job, params: KMeansParams) -> float:
    """Thirty rounds for each start."""
    rounds = 30 * params.n_init
    return 2 * rounds * job.count * params.n_clusters * job.dimensions / PRODUCTS


def _at_once(params: KMeansParams) -> int:
    return min(cores(), MOST_AT_ONCE, params.n_init)


def _starts(
    vectors: Vectors, params: KMeansParams, count: int, context: FitContext
) -> Iterator[np.ndarray]:
    """The first centres of each start, from one stream."""
    stream = np.random.RandomState(params.random_state)
    for _ in range(params.n_init):
        context.check()
        if params.init == "k-means++":
            yield spread_start(vectors, count, stream, context.check)
        else:
            yield random_start(vectors, count, stream)


def _lloyd(vectors: Vectors, params: KMeansParams, start: np.ndarray) -> Any:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

    return KMeans(
        n_clusters=len(start),
        init=start,
        n_init=1,
        max_iter=params.max_iter,
        tol=params.tol,
        algorithm=params.algorithm,
    ).fit(vectors)


ALGORITHM = Algorithm(params=KMeansParams, fit=fit, memory=memory, seconds=seconds)
