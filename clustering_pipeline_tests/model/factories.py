"""Definitions and records for tests: valid unless told otherwise."""

from datetime import UTC, datetime
from typing import Any

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import LOCAL

URI = "mixpeek://text@v1/embedding"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def vectors(**changes: Any) -> dict[str, Any]:
    """A vector config as JSON."""
    return {"feature_uri": URI, "clustering_method": "hdbscan", **changes}


def definition(**changes: Any) -> dict[str, Any]:
    """A create request as JSON."""
    return {"collection_ids": ["speeches"], "vector_config": vectors(), **changes}


def request(**changes: Any) -> CreateClusterRequest:
    """A create request."""
    return validate(CreateClusterRequest, definition(**changes))


def cluster(spec: CreateClusterRequest | None = None, **state: Any) -> ClusterRecord:
    """A stored definition."""
    return ClusterRecord(
        cluster_id="clust_1",
        organization_id=LOCAL.organization_id,
        namespace_id=LOCAL.namespace_id,
        spec=spec or request(cluster_name="topics"),
        state=ClusterState.model_validate({"created_at": NOON, "updated_at": NOON, **state}),
    )


def execution(**changes: Any) -> ExecutionRecord:
    """An execution."""
    given = {
        "run_id": "run_1",
        "cluster_id": "clust_1",
        "dagster_run_id": "1",
        "task_id": "task_1",
        "created_at": NOON,
        **LOCAL.fields(),
        **changes,
    }
    return ExecutionRecord.model_validate(given)
