"""A definition as clients read it: flat, and nested."""

from typing import Any

from clustering_pipeline.model.base import View
from clustering_pipeline.model.definitions.automation import (
    DEFAULT_THRESHOLDS,
    AutoExecuteMode,
    FullRunThresholds,
)
from clustering_pipeline.model.definitions.create import ClusterType
from clustering_pipeline.model.definitions.enrichment import SourceEnrichmentConfig
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.definitions.state import ClusterStats
from clustering_pipeline.model.definitions.vector_config import (
    AttributeConfig,
    FaceClusterMergeConfig,
    QualityGates,
    VectorConfig,
)
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.times import Moment


class ClusterMetadata(View):
    """A definition with what its runs found, all on one level."""

    cluster_id: str
    """Id of the definition."""
    cluster_name: str
    """Its name, unique in the namespace."""
    description: str | None
    """What it is for."""
    namespace_id: str
    """The namespace it belongs to."""
    organization_id: str
    """The organisation it belongs to."""
    input_collections: list[str]
    """Collections whose documents are clustered."""
    source_cluster_ids: list[str] | None
    """Definitions whose groups are grouped, for a composite one."""
    source_bucket_ids: list[str] | None
    """Buckets that the input collections come from."""
    filters: dict[str, Any] | None
    """Which documents take part."""
    cluster_type: ClusterType
    """By vectors or by attributes."""
    feature_uris: list[str] | None
    """Features that are clustered."""
    multi_feature_strategy: str | None
    """What is done with several features."""
    learned_weights: dict[str, float] | None
    """Weight of each feature, where weights were learned."""
    learning_quality_score: float | None
    """What the learned weights reached."""
    effective_feature_method: str | None
    """What stands for a group."""
    face_cluster_merge: FaceClusterMergeConfig | None
    """How groups of one face are joined."""
    sample_size: int | None
    """Most documents to fit on, as given."""
    preprocessing_steps: list[dict[str, Any]] | None
    """What is done to the vectors first."""
    hierarchical_vector: bool | None
    """Whether groups are divided again."""
    max_hierarchy_depth: int | None
    """How deep."""
    vis_n_components: int | None
    """Dimensions of the map."""
    layout_stability: str | None
    """Relation of a map to the one before."""
    clustered_attributes: list[str] | None
    """Payload fields that make the groups."""
    hierarchical_grouping: bool | None
    """Whether the first field makes parents."""
    aggregation_method: str | None
    """How a group's other attributes are summed up."""
    output_collection_ids: list[str]
    """Collections with the groups; reserved at creation, made at the first publish."""
    output_collection_names: list[str]
    """Their names."""
    algorithm: str | None
    """The clustering method."""
    algorithm_params: dict[str, Any] | None
    """Its parameters, as given."""
    enrich_source: bool
    """Whether source documents get the results."""
    source_enrichment_config: SourceEnrichmentConfig | None
    """Which results, under which names."""
    llm_labeling: LLMLabeling | None
    """Labels by a language model."""
    quality_gates: QualityGates | None
    """What a result must be like to be published."""
    auto_execute_on_batch: bool
    """Whether a completed batch makes the definition due."""
    auto_execute_min_documents: int | None
    """Documents needed before that."""
    auto_execute_cooldown_seconds: int
    """Least time between automatic runs."""
    auto_execute_mode: AutoExecuteMode = "full"
    """What an automatic run does: an extension of this server's."""
    auto_execute_full_run: FullRunThresholds = DEFAULT_THRESHOLDS
    """What makes mode auto cluster everything again: an extension of this server's."""
    num_clusters: int | None
    """Published groups, noise not counted."""
    num_documents_clustered: int | None
    """Documents of the published run, noise included."""
    execution_time_seconds: float | None
    """How long the published run took."""
    quality_metrics: dict[str, Any] | None
    """How good the published groups are."""
    hierarchy_detected: bool
    """Whether some groups are parents of others."""
    parent_cluster_id: str | None
    """The parent, for a child definition."""
    child_cluster_ids: list[str] | None
    """The children, for a parent definition."""
    hierarchy_relationships: list[dict[str, Any]] | None
    """Which group lies in which."""
    status: ClusterStatus
    """State of the last execution, or of the definition before the first."""
    error: str | None
    """Why the last execution failed."""
    failure_category: str | None
    """What kind of failure that was."""
    last_execution_task_id: str | None
    """Task of the last execution."""
    last_run_id: str | None
    """The published run."""
    created_at: Moment
    """When the definition was made."""
    updated_at: Moment
    """When it last changed."""
    last_executed_at: Moment | None
    """When its last execution began."""
    completed_at: Moment | None
    """When the published run ended."""
    llm_labeling_errors: list[str] | None
    """Groups that kept their fallback label, and why."""
    metadata: dict[str, Any]
    """What the client keeps with it."""


class ClusterModel(View):
    """A definition as it was written, with its identity and the published results."""

    collection_ids: list[str] | None
    """Input collections."""
    source_cluster_ids: list[str] | None
    """Definitions whose groups are grouped, for a composite one."""
    cluster_name: str | None
    """Its name, unique in the namespace."""
    description: str | None
    """What it is for."""
    metadata: dict[str, Any]
    """What the client keeps with it."""
    cluster_type: ClusterType
    """By vectors or by attributes."""
    vector_config: VectorConfig | None
    """How vectors are clustered."""
    attribute_config: AttributeConfig | None
    """How attributes are grouped."""
    filters: dict[str, Any] | None
    """Which documents take part."""
    llm_labeling: LLMLabeling | None
    """Labels by a language model."""
    enrich_source_collection: bool
    """Whether source documents get the results."""
    source_enrichment_config: SourceEnrichmentConfig | None
    """Which results, under which names."""
    quality_gates: QualityGates | None
    """What a result must be like to be published."""
    auto_execute_on_batch: bool
    """Whether a completed batch makes the definition due."""
    auto_execute_min_documents: int | None
    """Documents needed before that."""
    auto_execute_cooldown_seconds: int
    """Least time between automatic runs."""
    auto_execute_mode: AutoExecuteMode = "full"
    """What an automatic run does: an extension of this server's."""
    auto_execute_full_run: FullRunThresholds = DEFAULT_THRESHOLDS
    """What makes mode auto cluster everything again: an extension of this server's."""
    cluster_id: str
    """Id of the definition."""
    parquet_path: str | None
    """Artifact with the published groups."""
    members_key: str | None
    """Artifact with the published members."""
    num_clusters: int | None
    """Published groups, noise not counted."""
    cluster_stats: ClusterStats | None
    """The published groups in a few numbers."""
    status: ClusterStatus
    """State of the last execution, or of the definition before the first."""
    task_id: str | None
    """Task of the last execution."""
    last_run_id: str | None
    """The published run."""
    created_at: Moment
    """When the definition was made."""
    updated_at: Moment
    """When it last changed."""


class GenericDeleteResponse(View):
    """It is done."""

    message: str = "Successfully deleted"
    """What was done."""
    success: bool = True
    """Always true."""
