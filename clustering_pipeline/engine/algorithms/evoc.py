"""Embedding vector oriented clustering, McInnes (2024), by the package evoc."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import of_rows
from clustering_pipeline.engine.runtime.blocks import blocks
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.libraries import required
from clustering_pipeline.engine.runtime.threads import one_numba_thread
from clustering_pipeline.engine.vectors import LARGEST_SINGLE, SMALLEST_SINGLE, Vectors, unit_rows
from clustering_pipeline.model.algorithms.graph import EVoCParams
from clustering_pipeline.model.errors import InvalidParameters

SMALLEST = 20
BYTES_PER_NEIGHBOR = 128
WIDEST_START = 15
ROUNDED = 1e-6  # of a coordinate of a row of length one in float32
LAYERS = ("numba.np.ufunc.tbbpool", "numba.np.ufunc.omppool")


def fit(vectors: Vectors, params: EVoCParams, context: FitContext) -> Grouping:
    """The most persistent layer of groups; too few documents for a graph are all noise.

    On one thread: evoc's random projections follow the number of threads.
    """
    numba = required("numba", extra="evoc")
    refuse_workqueue(numba.config.THREADING_LAYER)
    evoc = required("evoc", extra="evoc")
    context.check()
    if len(vectors) < max(SMALLEST, params.n_neighbors + 2):
        return Grouping(labels=np.full(len(vectors), -1))
    rows = _single(vectors)
    if _one_way(rows):
        note = {"shortcut": "vectors that all point one way are one group"}
        return Grouping(labels=np.zeros(len(vectors)), notes=note)
    with one_numba_thread(numba):
        model = evoc.EVoC(**params.model_dump()).fit(_wide(rows))
    return Grouping(
        labels=model.labels_,
        probabilities=np.asarray(model.membership_strengths_, dtype=np.float64),
        notes={"layers": len(model.cluster_layers_), "metric": "cosine"},
    )


def refuse_workqueue(chosen: str, layers: Sequence[str] = LAYERS) -> None:
    """Raise ``InvalidParameters`` where numba would take its own pool of threads.

    That one ends the process when a parallel loop lies within another, as evoc's do.
    """
    if chosen != "workqueue" and any(map(_imports, layers)):
        return
    message = (
        "evoc needs the threading layer tbb or omp of numba: pip install tbb, "
        "and leave NUMBA_THREADING_LAYER unset"
    )
    raise InvalidParameters(message)


def _imports(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def _single(vectors: Vectors) -> Vectors:
    """In float32: rows whose squares would leave it at length one, which is as good by angles."""
    reach = np.abs(vectors).max(axis=1)
    odd = (reach > LARGEST_SINGLE) | (reach < SMALLEST_SINGLE)
    if not odd.any():
        return vectors.astype(np.float32, copy=False)
    return np.where(odd[:, None], unit_rows(vectors), vectors).astype(np.float32)


def _one_way(rows: Vectors) -> bool:
    first = unit_rows(rows[:1])
    return all(
        np.allclose(unit_rows(rows[some]), first, rtol=0, atol=ROUNDED)
        for some in blocks(len(rows))
    )


def _wide(rows: Vectors) -> Vectors:
    """With zeros behind where the first embedding needs more dimensions."""
    return np.pad(rows, ((0, 0), (0, max(0, WIDEST_START - rows.shape[1]))))


def memory(job: Job, params: EVoCParams) -> int:
    """The neighbour heaps, the embedding and a copy of the vectors."""
    listed = min(params.n_neighbors, job.count)
    return job.count * (listed * BYTES_PER_NEIGHBOR + 4 * job.dimensions)


def seconds(job: Job, _params: EVoCParams) -> float:
    """Compiling, and descending for every document."""
    return 30 + of_rows(job, 3)


ALGORITHM = Algorithm(
    params=EVoCParams,
    fit=fit,
    memory=memory,
    seconds=seconds,
    density=True,
    metric=lambda _params: "cosine",
)
