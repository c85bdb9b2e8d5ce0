"""What the call without a stored definition answers."""

from typing import Any

from pydantic import Field

from clustering_pipeline.model.base import View
from clustering_pipeline.model.times import Moment


class ClusterCentroid(View):
    """One group."""

    cluster_id: str
    """Its id: ``cl_0`` is the largest."""
    centroid_vector: list[float]
    """Its centroid; empty where attributes make the groups."""
    feature_name: str
    """What was clustered."""
    vector_name: str
    """The same, under its older name."""
    feature_dimensions: int
    """Length of the centroid."""
    num_members: int = 0
    """Documents in it."""
    variance: float | None = None
    """Mean squared distance of its members to the centroid."""
    label: str | None = None
    """Its name."""
    summary: str | None = None
    """A sentence about it."""
    keywords: list[str] | None = None
    """Words that tell it from the others."""
    effective_features: dict[str, Any] = Field(default_factory=dict)
    """What its documents have in common, by field."""
    feature_statistics: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Numbers about those fields."""
    parent_cluster_id: str | None = None
    """The group it is part of."""
    child_cluster_ids: list[str] = Field(default_factory=list)
    """The groups it is divided into."""
    hierarchy_level: int = 0
    """0 on top."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Further facts."""


class ClusterMember(View):
    """A document and its group."""

    document_id: str | None
    """The document."""
    collection_id: str
    """Its collection."""
    cluster_id: str
    """Its group."""
    distance_to_centroid: float | None
    """How far it is from the middle of it."""


class ExecuteClusterResponse(View):
    """The groups of one clustering."""

    success: bool
    """True."""
    run_id: str
    """Id of the execution."""
    algorithm: str
    """The algorithm."""
    num_clusters: int
    """Groups, noise not counted; on the top level of a hierarchy."""
    num_documents: int
    """Documents that took part, noise included."""
    centroids: list[ClusterCentroid]
    """The groups, level by level, largest first."""
    members: list[ClusterMember] | None = None
    """Every document, when asked for."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """How good the groups are; numbers only."""
    parquet_path: str | None = None
    """Where the groups are kept, if they are."""
    members_key: str | None = None
    """Where the documents with their groups are kept, if they are."""
    execution_time_ms: int
    """How long it took."""
    created_at: Moment
    """When it was asked for."""
