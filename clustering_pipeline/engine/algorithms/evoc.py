"""Embedding vector oriented clustering, McInnes (2024), by the package evoc."""

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.effort import of_rows
from clustering_pipeline.engine.extras import required
from clustering_pipeline.engine.job import Job
from clustering_pipeline.engine.threads import one_numba_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.graph_params import EVoCParams

SMALLEST = 20
BYTES_PER_NEIGHBOR = 128
WIDEST_START = 15


def fit(vectors: Vectors, params: EVoCParams, context: FitContext) -> Grouping:
    """The most persistent layer of groups; too few documents for a graph are all noise.

    On one thread: evoc's random projections follow the number of threads.
    """
    evoc = required("evoc", extra="evoc")
    numba = required("numba", extra="evoc")
    context.check()
    if len(vectors) < max(SMALLEST, params.n_neighbors + 2):
        return Grouping(labels=np.full(len(vectors), -1))
    with one_numba_thread(numba):
        model = evoc.EVoC(**params.model_dump()).fit(_wide(vectors))
    return Grouping(
        labels=model.labels_,
        probabilities=np.asarray(model.membership_strengths_, dtype=np.float64),
        notes={"layers": len(model.cluster_layers_), "metric": "cosine"},
    )


def _wide(vectors: Vectors) -> Vectors:
    """The rows as they are, with zeros behind where the first embedding needs more dimensions."""
    rows = vectors.astype(np.float32)
    return np.pad(rows, ((0, 0), (0, max(0, WIDEST_START - rows.shape[1]))))


def memory(job: Job, params: EVoCParams) -> int:
    """The neighbour heaps, the embedding and a copy of the vectors."""
    return job.count * (params.n_neighbors * BYTES_PER_NEIGHBOR + 4 * job.dimensions)


def seconds(job: Job, _params: EVoCParams) -> float:
    """Compiling, and descending for every document."""
    return 30 + of_rows(job, 3)


ALGORITHM = Algorithm(params=EVoCParams, fit=fit, memory=memory, seconds=seconds, density=True)
