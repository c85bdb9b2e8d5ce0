"""The one write that makes a run's results current."""

from typing import Any

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.state import ClusterStats
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.pipeline.run.artifacts import REDUCTION
from clustering_pipeline.pipeline.run.run import Run


def point(run: Run, execution: ExecutionRecord) -> ClusterRecord:
    """Makes ``execution``, whose results are whole and durable, the one that readers see.

    ``run`` holds the definition; StateConflict when it does not.
    """
    reduction = run.read_json(REDUCTION)
    return run.pipeline.catalog.clusters.publish(
        run.cluster_id,
        execution.run_id,
        # Complete only when nothing is left to write: until then the record says so.
        status=ClusterStatus.PROCESSING,
        **_results(execution),
        **_weights(reduction),
    )


def _results(execution: ExecutionRecord) -> dict[str, Any]:
    metrics = execution.metrics.model_dump() if execution.metrics else {}
    grouped = execution.vectors_clustered or 0
    levels = any(group.hierarchy_level for group in execution.centroids or ())
    return {
        "num_clusters": execution.num_clusters,
        "num_documents_clustered": execution.num_points,
        "quality_metrics": metrics,
        "cluster_stats": ClusterStats(
            num_clusters=execution.num_clusters,
            noise_points=execution.num_points - grouped,
            silhouette_score=metrics.get("silhouette_score"),
        ),
        "parquet_path": execution.parquet_path,
        "members_key": execution.members_key,
        "llm_labeling_errors": execution.llm_labeling_errors,
        "hierarchy_detected": bool(execution.hierarchy_relationships) or levels,
        "hierarchy_relationships": execution.hierarchy_relationships,
    }


def _weights(reduction: dict[str, Any]) -> dict[str, Any]:
    learned = reduction["weight_learning"] is not None
    return {
        "learned_weights": reduction["weights"] if learned else None,
        "learning_quality_score": reduction["learning_quality_score"],
    }
