"""k-means by Lloyd's iteration, from several starts."""

from collections.abc import Iterable, Iterator

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.algorithms.lloyd import (
    Iterated,
    lloyd,
    random_start,
    spread_start,
    tolerance,
)
from clustering_pipeline.engine.limits import PRODUCTS
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import Spread, one_thread, spread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.partitioning import KMeansParams


def fit(vectors: Vectors, params: KMeansParams, context: FitContext) -> Grouping:
    """``n_clusters`` groups, or one per document when there are fewer: the start of least inertia.

    Elkan's form of the iteration, which breaks ties otherwise, is scikit-learn's own.
    """
    count = min(params.n_clusters, len(vectors))
    with spread() as several:
        starts = _starts(vectors, params, count, several, context)
        if params.algorithm == "elkan":
            runs = [_elkan(vectors, params, start) for start in starts]
        else:
            runs = list(_lloyd(vectors, params, starts, several, context))
    best = min(range(len(runs)), key=lambda start: (runs[start].inertia, start))
    chosen = runs[best]
    groups = len(np.unique(chosen.labels))  # fewer than asked for where vectors are equal
    notes = {
        "inertia": chosen.inertia,
        "iterations": chosen.iterations,
        "start": best,
        "groups": groups,
    }
    return Grouping(labels=chosen.labels, notes=notes)


def memory(job: Job, _params: KMeansParams) -> int:
    """A centred copy of the vectors."""
    return job.count * (job.dimensions * job.itemsize + 32)


def seconds(job: Job, params: KMeansParams) -> float:
    """Thirty rounds for each start."""
    rounds = 30 * params.n_init
    return 2 * rounds * job.count * params.n_clusters * job.dimensions / PRODUCTS


def _starts(
    vectors: Vectors, params: KMeansParams, count: int, several: Spread, context: FitContext
) -> Iterator[np.ndarray]:
    """The first centres of each start, from one stream."""
    stream = np.random.RandomState(params.random_state)
    for _ in range(params.n_init):
        context.check()
        if params.init == "k-means++":
            yield spread_start(vectors, count, stream, several, context.check)
        else:
            yield random_start(vectors, count, stream)


def _lloyd(
    vectors: Vectors,
    params: KMeansParams,
    starts: Iterable[Vectors],
    several: Spread,
    context: FitContext,
) -> Iterator[Iterated]:
    still = tolerance(vectors, params.tol)  # with a copy of its own, which is gone by the next line
    middle = vectors.mean(axis=0)
    centred = vectors - middle
    for start in starts:
        yield lloyd(
            centred,
            start - middle,
            most=params.max_iter,
            tolerance=still,
            spread=several,
            check=context.check,
        )


def _elkan(vectors: Vectors, params: KMeansParams, start: Vectors) -> Iterated:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

    with one_thread():
        model = KMeans(
            n_clusters=len(start),
            init=start,
            n_init=1,
            max_iter=params.max_iter,
            tol=params.tol,
            algorithm=params.algorithm,
        ).fit(vectors)
    return Iterated(
        labels=model.labels_.astype(np.int64),
        inertia=float(model.inertia_),
        iterations=int(model.n_iter_),
    )


ALGORITHM = Algorithm(
    params=KMeansParams,
    fit=fit,
    memory=memory,
    seconds=seconds,
    interruptible=lambda _job, params: params.algorithm == "lloyd",
    by_centroid=True,
)
