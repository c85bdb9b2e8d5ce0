"""An execution and the groups of the published one, as clients read them."""

from typing import Any, Literal

from pydantic import Field

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.times import Moment


class RepresentativeDocument(View):
    """A document that stands for its group."""

    document_id: str
    """The document."""
    collection_id: str | None = None
    """Its collection."""


class ClusterExecutionCentroid(View):
    """One group of an execution."""

    cluster_id: str = Field(min_length=1)
    """Id of the group within the run: ``cl_0``, ``cl_0_sub_1``."""
    num_members: int = Field(ge=0)
    """Documents in it."""
    label: str | None = None
    """Its name."""
    summary: str | None = None
    """A sentence about it."""
    keywords: list[str] | None = None
    """Words that tell it from the others."""
    group_uid: str | None = None
    """Id of the group across runs."""
    parent_cluster_id: str | None = None
    """The group it is part of."""
    hierarchy_level: int = 0
    """0 on top."""
    mean_cosine_similarity: float | None = None
    """Mean cosine of its members to the centroid."""
    min_cosine_similarity: float | None = None
    """The smallest one."""
    centroid_vector: list[float] | None = None
    """The centroid, when asked for."""
    representative_ids: list[RepresentativeDocument] | None = None
    """Documents that stand for it."""


class ClusterExecutionMetrics(View):
    """How good the groups are; null where a number has no meaning."""

    silhouette_score: float | None = Field(default=None, ge=-1, le=1)
    """Higher is better apart; null with fewer than two groups."""
    davies_bouldin_index: float | None = Field(default=None, ge=0)
    """Lower is better apart."""
    davies_bouldin_score: float | None = Field(default=None, ge=0)
    """The same number under scikit-learn's name."""
    calinski_harabasz_score: float | None = Field(default=None, ge=0)
    """Higher is better apart."""
    degenerate: bool | str | None = None
    """False, or in which way the result says nothing."""
    degenerate_detail: str | None = None
    """The numbers behind that."""
    avg_cluster_size: float | None = None
    """Documents per group."""
    noise_ratio: float | None = None
    """Share of documents in no group."""
    cluster_size_entropy: float | None = None
    """1 for groups of equal size, towards 0 when one holds nearly all."""
    should_recluster: float | None = None
    """How much speaks for another run."""
    mean_cosine_to_centroid: float | None = None
    """Mean cosine of members to their centroid."""
    min_cosine_to_centroid: float | None = None
    """The smallest one."""
    additional_properties: dict[str, Any] = Field(default_factory=dict)
    """Further numbers, each with the space it was measured in."""


class Finding(View):
    """What a reader should know of a result: an extension of this server's."""

    kind: Literal[
        "auto_choice",
        "dominant_group",
        "much_noise",
        "field_explains",
        "near_duplicates",
        "fewer_groups",
        "far_grouped",
    ]
    """What it is about."""
    text: str
    """A sentence, with the setting that changes it."""
    cluster_id: str | None = None
    """The group, where it is about one."""
    field: str | None = None
    """The payload field, where it is about one; ``length`` is that of the texts."""
    share: float | None = Field(default=None, ge=0, le=1)
    """How much of the result it is about."""


class ClusterExecutionResult(View):
    """One execution of a definition."""

    run_id: str = Field(pattern=r"^run_[a-zA-Z0-9]+$")
    """Id of the execution."""
    cluster_id: str = Field(pattern=r"^clust_[a-zA-Z0-9]+$")
    """The definition."""
    status: ExecutionStatus
    """How far it is, or how it ended."""
    num_clusters: int = Field(default=0, ge=0)
    """Groups, noise not counted; on the top level of a hierarchy."""
    num_points: int = Field(default=0, ge=0)
    """Documents that took part, noise included."""
    metrics: ClusterExecutionMetrics | None = None
    """How good the groups are."""
    findings: list[Finding] = Field(default_factory=list)
    """What a reader should know of the result: an extension of this server's."""
    member_counts_stale: bool = False
    """Whether documents were deleted since."""
    centroids: list[ClusterExecutionCentroid] | None = None
    """The groups, largest first."""
    created_at: Moment
    """When it was asked for."""
    completed_at: Moment | None = None
    """When it ended."""
    error_message: str | None = None
    """Why it failed."""
    error_traceback: str | None = None
    """Where it failed."""
    llm_labeling_errors: list[str] | None = None
    """Groups that kept their fallback label, and why, as JSON."""
    source_documents: int | None = None
    """Documents that the selection holds."""
    vectors_retrieved: int | None = None
    """Of those, documents with the vector."""
    vectors_clustered: int | None = None
    """Of those, documents in a group."""
    index_gap: int | None = None
    """Documents without the vector."""
    pipeline_drop: int | None = None
    """Documents with the vector and in no group."""
    input_reconciliation_ok: bool | None = None
    """Whether every document is accounted for."""
    input_reconciliation_reasons: list[str] | None = None
    """If not, why."""
    pipeline_drop_expected_as_noise: bool | None = None
    """Whether the method leaves noise by design."""
    label_overrides: dict[str, str] | None = None
    """Names that people gave to groups."""
    run_name: str | None = Field(default=None, max_length=120)
    """A name that people gave to the execution."""
    layout_stability_applied: str | None = None
    """How the map was brought in line with the one before."""
    layout_stability_reason: str | None = None
    """Why so."""
    generation_reap: list[dict[str, Any]] | None = None
    """What became of the previous generation of each output collection."""
    mode: str | None = None
    """Full, assign or composite."""
    source_execution_ids: list[str] | None = None
    """Executions whose groups were grouped."""
    # Never null: the published client could not read it.
    composite_mapping: dict[str, Any] = Field(default_factory=dict)
    """Execution to its groups and the group each went to, of a composite run; null where none of
    its documents is left.  Empty for others."""


class LabelEstimateResponse(View):
    """Calls, tokens and dollars of the labels, as far as the published groups tell."""

    plan: Literal["full", "relabel", "assign", "from_pool", "composite"]
    """How much of the graph the execution would run."""
    calls: int | None
    """Requests to the model; null where nobody knows."""
    cached: int | None
    """Groups whose earlier answer would be used again."""
    prompt_tokens: int | None
    """Tokens sent."""
    completion_tokens: int | None
    """Tokens answered."""
    embedding_calls: int | None
    """Requests for vectors."""
    embedding_tokens: int | None
    """Tokens to be turned into vectors."""
    cost: float | None
    """US dollars; null where a price or the groups are unknown."""
    note: str
    """What the numbers are based on."""


class RollbackRequest(RequestModel):
    """Which run readers are to see again."""

    run_id: str | None = Field(default=None, min_length=1, max_length=200)
    """A kept run of the definition; null is the one published before the current."""


class ClusterGroup(View):
    """One group."""

    cluster_id: str
    """Id of the group within the run."""
    label: str | None = None
    """Its name."""
    summary: str | None = None
    """A sentence about it."""
    keywords: list[str] | None = None
    """Words that tell it from the others."""
    member_count: int
    """Documents in it."""
    group_uid: str | None = None
    """Id of the group across runs."""


class ClusterGroupsResponse(View):
    """All groups of a definition."""

    cluster_id: str
    """The definition."""
    run_id: str | None = None
    """The published run; null before the first."""
    total_groups: int
    """Groups, noise not counted."""
    total_documents: int
    """Documents of the run, noise included."""
    member_counts_stale: bool = False
    """Whether documents were deleted since."""
    groups: list[ClusterGroup]
    """The groups, largest first."""
    findings: list[Finding] = Field(default_factory=list)
    """What a reader should know of the result: an extension of this server's."""
