"""HDBSCAN*, Campello, Moulavi and Sander (2013), exact."""

from typing import cast

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.groups.hierarchy import top_labels
from clustering_pipeline.engine.groups.layers import layers_of
from clustering_pipeline.engine.hdbscan import HDBSCANFit, fit_hdbscan, lists_needed
from clustering_pipeline.engine.hdbscan.metrics import EUCLIDEAN
from clustering_pipeline.engine.limits import of_pairs, of_products, of_rows
from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.neighbors.neighborhood import Metric, Wanted
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.density import HDBSCANParams
from clustering_pipeline.model.errors import InvalidParameters

BYTES_PER_NEIGHBOR = 64
BLOCKS = 1 << 28
PRODUCT_METRICS = frozenset({*EUCLIDEAN, "cosine"})


def fit(vectors: Vectors, params: HDBSCANParams, context: FitContext) -> Grouping:
    """Dense regions that persist; what lies between is noise, as are too few documents."""
    if params.conflict is not None:
        raise InvalidParameters(params.conflict)
    fitted = fit_hdbscan(
        vectors,
        min_cluster_size=params.min_cluster_size,
        min_samples=params.min_samples,
        metric=params.metric,
        alpha=params.alpha,
        cluster_selection_method=params.cluster_selection_method,
        cluster_selection_epsilon=params.cluster_selection_epsilon,
        max_cluster_size=params.max_cluster_size,
        allow_single_cluster=params.allow_single_cluster,
        match_reference_implementation=params.match_reference_implementation,
        neighbors=_listed(params, context),
        check=context.check,
    )
    if params.layers:
        return _layered(fitted, params)
    return Grouping(
        labels=fitted.labels, probabilities=fitted.probabilities, notes=dict(fitted.record)
    )


def _layered(fitted: HDBSCANFit, params: HDBSCANParams) -> Grouping:
    """Groups at several resolutions of the same fit."""
    resolutions = layers_of(fitted.spanning_tree, min_cluster_size=params.min_cluster_size)
    return Grouping(
        labels=top_labels(resolutions.hierarchy),
        probabilities=resolutions.probabilities,
        hierarchy=resolutions.hierarchy,
        notes={**fitted.record, "layers": resolutions.hierarchy.depth},
    )


def memory(job: Job, params: HDBSCANParams) -> int:
    """The neighbour lists, two copies of the vectors and the blocks of products."""
    listed = min(lists_needed(_near(params)), job.count)
    row = listed * BYTES_PER_NEIGHBOR + 2 * job.dimensions * job.itemsize
    return job.count * row + BLOCKS


def seconds(job: Job, params: HDBSCANParams) -> float:
    """Two passes over all pairs, and the tree."""
    passes = of_products(job, 2.5) if by_products(params) else of_pairs(job)
    return passes + of_rows(job, 0.05)


def neighbors(params: HDBSCANParams) -> Wanted | None:
    """The lists the rest of the run uses too."""
    if params.metric not in {"euclidean", "cosine"}:
        return None
    return Wanted(count=lists_needed(_near(params)), metric=cast("Metric", params.metric))


def by_products(params: HDBSCANParams) -> bool:
    """Whether the metric is one of ours, taken block by block; others are one call of a package."""
    return params.metric in PRODUCT_METRICS


def _near(params: HDBSCANParams) -> int:
    return params.min_samples or params.min_cluster_size


def _listed(params: HDBSCANParams, context: FitContext) -> NeighborGraph | None:
    lists = neighbors(params)
    if lists is None or lists.count >= len(context.neighborhood.vectors):
        return None
    return context.neighborhood.nearest(lists.count, lists.metric)


ALGORITHM = Algorithm(
    params=HDBSCANParams,
    fit=fit,
    memory=memory,
    seconds=seconds,
    density=True,
    interruptible=lambda _job, params: by_products(params),
    neighbors=neighbors,
)
