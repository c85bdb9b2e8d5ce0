"""Communities of the neighbour graph, Traag, Waltman and van Eck (2019), by leidenalg."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, triu

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.layout import fuzzy_graph
from clustering_pipeline.engine.limits import of_products, of_rows
from clustering_pipeline.engine.neighbors.neighborhood import Wanted
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.libraries import required
from clustering_pipeline.engine.vectors import NOISE, Vectors
from clustering_pipeline.model.algorithms.graph import LeidenParams

PARTITIONS = {
    "RBConfiguration": "RBConfigurationVertexPartition",
    "CPM": "CPMVertexPartition",
    "modularity": "ModularityVertexPartition",
}
BYTES_PER_EDGE = 256


def fit(_vectors: Vectors, params: LeidenParams, context: FitContext) -> Grouping:
    """Communities of the fuzzy graph of ``n_neighbors``, as single-cell analysis does it."""
    leidenalg = required("leidenalg", extra="leiden")
    igraph = required("igraph", extra="leiden")
    neighbors = context.neighborhood.nearest(params.n_neighbors, params.metric)
    graph = _weighted(igraph, fuzzy_graph(neighbors, context.check))
    context.check()
    resolution = {"resolution_parameter": params.resolution}
    partition = leidenalg.find_partition(
        graph,
        getattr(leidenalg, PARTITIONS[params.objective_function]),
        weights="weight",
        n_iterations=params.n_iterations,
        seed=params.random_state,
        **({} if params.objective_function == "modularity" else resolution),
    )
    labels = _large(np.array(partition.membership), params.min_cluster_size)
    return Grouping(labels=labels, notes={"graph_quality": float(partition.quality())})


def memory(job: Job, params: LeidenParams) -> int:
    """The neighbour graph, as arrays and as igraph's objects."""
    return job.count * min(params.n_neighbors, job.count) * BYTES_PER_EDGE


def seconds(job: Job, _params: LeidenParams) -> float:
    """The neighbours, and moving every document."""
    return of_products(job, 1) + of_rows(job, 2)


def _weighted(igraph: Any, graph: csr_matrix) -> Any:
    upper = triu(graph, k=1).tocoo()
    edges = np.column_stack([upper.row, upper.col])
    return igraph.Graph(n=graph.shape[0], edges=edges, edge_attrs={"weight": upper.data})


def _large(labels: NDArray[np.int64], smallest: int) -> NDArray[np.int64]:
    return np.where(np.bincount(labels)[labels] >= smallest, labels, NOISE)


ALGORITHM = Algorithm(
    params=LeidenParams,
    fit=fit,
    memory=memory,
    seconds=seconds,
    neighbors=lambda params: Wanted(count=params.n_neighbors, metric=params.metric),
)
