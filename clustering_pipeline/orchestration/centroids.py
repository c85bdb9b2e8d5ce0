"""Executions with the vectors of their centroids, which lie in the run's files."""

from clustering_pipeline.model.executions.execution import ClusterExecutionResult, ExecutionRecord
from clustering_pipeline.stores.artifacts import Artifacts

CLUSTERS = "clusters.parquet"
VECTOR = "centroid_vector"


def with_vectors(artifacts: Artifacts, execution: ExecutionRecord) -> ClusterExecutionResult:
    """The public view of an execution; groups by attributes have no vectors."""
    result = execution.result()
    if not result.centroids or execution.parquet_path is None:
        return result
    vectors = centroid_vectors(artifacts, execution.parquet_path)
    centroids = [
        one.model_copy(update={VECTOR: vectors.get(one.cluster_id)}) for one in result.centroids
    ]
    return result.model_copy(update={"centroids": centroids})


def centroid_vectors(artifacts: Artifacts, key: str) -> dict[str, list[float]]:
    """Group to its centroid."""
    table = artifacts.read_frame(key)
    if VECTOR not in table.columns:
        return {}
    rows = zip(table["cluster_id"].to_list(), table[VECTOR].to_list(), strict=True)
    return {group: vector for group, vector in rows if vector is not None}
