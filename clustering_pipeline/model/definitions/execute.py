"""What one execution does differently from its definition."""

from typing import Final, Literal

from pydantic import Field

from clustering_pipeline.model.algorithms.parameters import Share
from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.definitions.create import Reference, References
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.definitions.vector_config import (
    LayoutStability,
    SampleSize,
    VisComponents,
)
from clustering_pipeline.model.filters.tree import FilterObject

ExecutionMode = Literal["full", "assign", "composite"]


class ExecuteClusterByIdRequest(RequestModel):
    """Overrides that hold for this execution only; an empty body is none."""

    mode: ExecutionMode = "full"
    """Cluster everything, assign what is new to the published groups, or group the groups of other
    executions."""
    source_execution_ids: list[str] | None = None
    """Executions whose groups are grouped, for ``composite``: at least two over the same features.
    Without them, the newest of each source of a composite definition."""
    assignment_threshold: Share = 0.5
    """Cosine below which a document joins no group, for ``assign``."""
    from_pool: bool = False
    """For ``full``: leave the published groups as they are, and only propose new ones, made of the
    documents that none of them reaches. What is new is assigned first, as by ``assign``."""
    filters: FilterObject | None = None
    """Which documents take part this time; an empty object selects everything."""
    sample_size: SampleSize | None = None
    """Most documents to fit on this time."""
    vis_n_components: VisComponents | None = None
    """Dimensions of the map this time."""
    defer_visualization: bool | None = None
    """Whether the map is laid out only when somebody asks for it."""
    layout_stability: LayoutStability | None = None
    """Relation of the map to the one before, this time."""
    llm_labeling: LLMLabeling | None = None
    """Labelling this time."""


Plan = Literal["full", "relabel", "assign", "from_pool", "composite"]
RENAME: Final = "rename"
"""What puts the names that people gave onto the published groups, and does nothing else."""
RunPlan = Plan | Literal["rename"]


class ApplyClusterEnrichmentRequest(RequestModel):
    """Which runs' results go onto which documents."""

    clustering_ids: References
    """Executions, or definitions for their published ones."""
    source_collection_id: Reference
    """The collection whose documents get the fields, by id or name; the runs must have read it."""
    target_collection_id: Reference | None = None
    """Where the documents go, whole, with the fields; null is the collection they come from."""
    batch_size: int = Field(default=1000, ge=1)
    """Documents written in one go."""
    parallelism: int = Field(default=1, ge=1)
    """Batches under way at once; more than 8 count as 8."""


class ClusteringEnrichmentResponse(View):
    """What became of the documents."""

    processed: int
    """Documents of the collection that the runs hold."""
    enriched: int
    """Of those, documents that have the fields now."""
    failed: int
    """Of those, documents that could not be written, such as deleted ones."""
    batches: int
    """Batches it took."""
