"""UMAP: the engine's own layout on exact neighbours, and umap-learn for all that it has not.

McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection" (2018).
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from clustering_pipeline.engine.layout import embed
from clustering_pipeline.engine.limits import of_pairs, of_products, of_rows
from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.neighbors.neighborhood import EACH_OTHER, Metric, Wanted
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors, directed, without_direction
from clustering_pipeline.model.algorithms.preprocessing import UMAPStep
from clustering_pipeline.model.errors import InvalidParameters

SMALLEST = 4
BYTES_PER_NEIGHBOR = 120
MATRIX_ROWS = 4096  # up to here umap-learn measures every pair at once
COMPILING_SECONDS = 10.0
OWN: dict[str, Metric] = {
    "cosine": "cosine",
    "euclidean": "euclidean",
    "manhattan": "manhattan",
    "correlation": "correlation",
}
OF_SHARES = frozenset({"hellinger", "ll_dirichlet", "symmetric_kl"})
PASSED = (
    "set_op_mix_ratio",
    "local_connectivity",
    "repulsion_strength",
    "negative_sample_rate",
    "densmap",
    "min_dist",
    "spread",
    "metric",
    "target_metric",
    "target_weight",
    "random_state",
)
# Of transforming further vectors, and back, which nobody asks for.
ABOUT_TRANSFORMS = ("gradient function is not yet implemented", "precomputed_knn[2]")


def reduce(vectors: Vectors, step: UMAPStep, context: StepContext) -> Reduced:
    """Embed in ``n_components`` dimensions; too few rows for a manifold stay as they are."""
    components = min(step.n_components, vectors.shape[1])
    if len(vectors) < max(SMALLEST, components + 2):
        return Reduced(vectors=vectors, notes={"skipped": f"{len(vectors)} documents are too few"})
    work = _laid_out if step.laid_out_here else _by_umap_learn
    reduced = work(vectors, step, context, components=components)
    lost = without_direction(directed(vectors, step.metric), step.metric)
    return Reduced(vectors=reduced.vectors.astype(vectors.dtype), notes={**reduced.notes, **lost})


def _laid_out(
    _vectors: Vectors, step: UMAPStep, context: StepContext, *, components: int
) -> Reduced:
    embedding = embed(
        context.neighborhood.nearest(step.n_neighbors - 1, OWN[step.metric]),
        components=components,
        min_dist=step.min_dist,
        random_state=step.random_state,
        check=context.check,
    )
    notes = {"implementation": "own", "neighbors": "exact", "start": embedding.start}
    return Reduced(vectors=embedding.coordinates, notes=notes)


def _by_umap_learn(
    vectors: Vectors, step: UMAPStep, context: StepContext, *, components: int
) -> Reduced:
    """The same seed gives the same layout: one thread, as umap-learn has it with a seed."""
    from umap import UMAP  # noqa: PLC0415 - compiles for seconds

    context.check()
    _refuse_undefined(step.metric, vectors)
    count = min(step.n_neighbors, len(vectors) - 1)
    demand = neighbors(step)
    graph = context.neighborhood.nearest(count - 1, demand.metric) if demand else None
    model = UMAP(
        n_neighbors=count,
        n_components=components,
        metric_kwds=_metric_arguments(step.metric, vectors),
        precomputed_knn=(None, None) if graph is None else _with_itself(graph),
        disconnection_distance=np.inf,  # a document without neighbours would get no place
        n_jobs=1,
        **step.model_dump(include=set(PASSED)),
    )
    target = None if context.target is None else _numbers(step, context.target)
    with one_thread():
        embedding = model.fit_transform(vectors, target)
    notes = {
        "implementation": "umap-learn",
        "neighbors": "approximate" if graph is None and len(vectors) >= MATRIX_ROWS else "exact",
    }
    return Reduced(vectors=embedding, notes=notes)


def _with_itself(graph: NeighborGraph) -> tuple[Any, Any]:
    """Neighbours as umap-learn lists them: each row is its own first."""
    rows = np.arange(len(graph.indices))[:, None]
    distances = np.hstack([np.zeros(rows.shape), graph.distances])
    return np.hstack([rows, graph.indices]), distances.astype(np.float32)


def _refuse_undefined(metric: str, vectors: Vectors) -> None:
    """Raise ``InvalidParameters`` where a metric has no value, of which compiled code is silent."""
    problem = None
    if metric in OF_SHARES and float(vectors.min()) < 0:
        problem = "with negative values"
    if metric == "poincare" and float(np.linalg.norm(vectors, axis=1).max()) >= 1:
        problem = "at least as long as one"
    if problem is not None:
        message = f"umap: {metric} has no distance between vectors {problem}; use another metric"
        raise InvalidParameters(message)


def _metric_arguments(metric: str, vectors: Vectors) -> dict[str, Any]:
    """What a metric takes from the data: variances, their inverses, or equal weights."""
    if metric in {"seuclidean", "standardised_euclidean"}:
        variances = vectors.var(axis=0, dtype=np.float64)
        return {"sigma": np.where(variances > 0, variances, 1).astype(np.float32)}
    if metric == "mahalanobis":
        covariance = np.atleast_2d(np.cov(vectors.T.astype(np.float64)))
        return {"vinv": np.linalg.pinv(covariance, hermitian=True).astype(np.float32)}
    if metric in {"wminkowski", "weighted_minkowski"}:
        return {"w": np.ones(vectors.shape[1], dtype=np.float32), "p": 2}
    return {}


def _numbers(step: UMAPStep, values: Sequence[object]) -> Any:
    """The target as umap-learn takes it: numbers, or classes in which -1 is unknown."""
    if step.target_metric == "categorical":
        texts = [None if value is None else json.dumps(value, sort_keys=True) for value in values]
        codes = {text: code for code, text in enumerate(sorted({*texts} - {None}, key=str))}
        if not codes:
            message = f"no document has a value of target {step.target!r}; name another field"
            raise InvalidParameters(message)
        return np.array([-1 if text is None else codes[text] for text in texts])
    lacking = sum(isinstance(value, bool) or not isinstance(value, int | float) for value in values)
    if lacking:
        message = (
            f"target {step.target!r} is no number in {lacking:,} of {len(values):,} documents; "
            "filter them out, or set target_metric to 'categorical'"
        )
        raise InvalidParameters(message)
    return np.array(values, dtype=np.float64)


def neighbors(step: UMAPStep) -> Wanted | None:
    """Those of the graph, the row itself, which UMAP counts, apart; none by other metrics."""
    metric = OWN.get(step.metric)
    return None if metric is None else Wanted(count=step.n_neighbors - 1, metric=metric)


def memory(job: Job, step: UMAPStep) -> int:
    """The neighbour lists, the graph of both directions, and a copy of the vectors; all distances
    where umap-learn measures them at once.
    """
    listed = min(step.n_neighbors, job.count)
    row = listed * BYTES_PER_NEIGHBOR + 8 * min(step.n_components, job.dimensions)
    pairs = 0 if step.metric in OWN else min(job.count, MATRIX_ROWS) ** 2 * 8
    return job.count * (row + job.dimensions * job.itemsize) + pairs


def seconds(job: Job, step: UMAPStep) -> float:
    """The neighbours, and a few hundred rounds over the graph; umap-learn is compiled first."""
    if step.laid_out_here:
        return of_products(job, 1) + of_rows(job, 2)
    search = of_products(job, 1) if step.metric in EACH_OTHER else of_pairs(job)
    return COMPILING_SECONDS + search + of_rows(job, 6)


STEP = Preprocessing(
    apply=reduce,
    memory=memory,
    seconds=seconds,
    interruptible=lambda step: step.laid_out_here,
    neighbors=neighbors,
    passed_over=ABOUT_TRANSFORMS,
)
