"""Preprocessing, algorithm and parameters chosen from the data."""

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.auto.budget import SAMPLE, planned
from clustering_pipeline.engine.auto.search import search
from clustering_pipeline.engine.auto.space import MANIFOLD_NEIGHBORS
from clustering_pipeline.engine.limits import of_products
from clustering_pipeline.engine.metrics.silhouette import cosine_silhouettes
from clustering_pipeline.engine.neighbors.neighborhood import Wanted
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.graph import AutoParams

BYTES_PER_DIMENSION = 32
MOST_ASKING = 2_000  # above, Ward's tree is one call of seconds


def fit(vectors: Vectors, params: AutoParams, context: FitContext) -> Grouping:
    """The candidate that holds up best; the record has every trial.

    A member's probability grows from one half, between two groups, to one with its silhouette.
    """
    outcome = search(
        vectors,
        random_state=params.random_state,
        neighborhood=context.neighborhood,
        check=context.check,
        tell=context.tell,
        budget=params.budget_seconds,
    )
    nearness = (1 + np.maximum(cosine_silhouettes(vectors, outcome.labels), -1)) / 2
    notes = {
        "trials": [trial.row() for trial in outcome.trials],
        "searched_on": outcome.fitted,
        "predicted_seconds": outcome.predicted,
        "choice": outcome.choice,
    }
    return Grouping(labels=outcome.labels, probabilities=nearness, notes=notes)


def memory(job: Job, _params: AutoParams) -> int:
    """All distances of a sample, twice, and a few copies of the vectors."""
    return min(job.count, SAMPLE) ** 2 * 8 + job.count * job.dimensions * BYTES_PER_DIMENSION


def seconds(job: Job, params: AutoParams) -> float:
    """The trials on a sample, and the neighbours of everything."""
    return planned(job, params.budget_seconds).seconds + of_products(job, 1)


ALGORITHM = Algorithm(
    params=AutoParams,
    fit=fit,
    memory=memory,
    seconds=seconds,
    interruptible=lambda job, _params: job.count <= MOST_ASKING,
    neighbors=lambda _params: Wanted(count=MANIFOLD_NEIGHBORS - 1, metric="cosine"),
)
