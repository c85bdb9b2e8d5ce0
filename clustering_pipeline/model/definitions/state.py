"""What runs have found out about a definition; nothing in here is the client's to set."""

from typing import Any

from pydantic import Field

from clustering_pipeline.model.base import Record, View
from clustering_pipeline.model.definitions.automation import Automation
from clustering_pipeline.model.json_values import JsonObject
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.times import Moment


class ClusterStats(View):
    """The published groups in a few numbers."""

    num_clusters: int
    """Groups, noise not counted."""
    noise_points: int | None = None
    """Documents in no group."""
    silhouette_score: float | None = None
    """How well the groups are apart; null with fewer than two."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further numbers."""


class ClusterState(Record):
    """The published results, the last attempt, and the clock."""

    created_at: Moment
    updated_at: Moment
    status: ClusterStatus = ClusterStatus.PENDING
    error: str | None = None
    failure_category: str | None = None
    task_id: str | None = None
    last_run_id: str | None = None
    """The published run."""
    published_run_ids: list[str] = Field(default_factory=list)
    """Every run that was published and is kept, in the order of their first publication."""
    documents_hold: list[str] = Field(default_factory=list)
    """Runs whose fields the source documents may show: one, or several while a write-back is
    unfinished; each document shows one of them whole."""
    last_attempt_id: str | None = None
    """The run that was started last, published or not."""
    last_executed_at: Moment | None = None
    automation: Automation = Field(default_factory=Automation)
    archived_at: Moment | None = None
    """Since when it is not to run; its results stay."""
    completed_at: Moment | None = None
    execution_time_seconds: float | None = None
    num_clusters: int | None = None
    num_documents_clustered: int | None = None
    quality_metrics: JsonObject | None = None
    cluster_stats: ClusterStats | None = None
    parquet_path: str | None = None
    members_key: str | None = None
    llm_labeling_errors: list[str] | None = None
    learned_weights: dict[str, float] | None = None
    learning_quality_score: float | None = None
    hierarchy_detected: bool = False
    hierarchy_relationships: list[dict[str, Any]] | None = None
    parent_cluster_id: str | None = None
    child_cluster_ids: list[str] | None = None
    source_bucket_ids: list[str] | None = None
    output_collection_ids: list[str] = Field(default_factory=list)
    output_collection_names: list[str] = Field(default_factory=list)
