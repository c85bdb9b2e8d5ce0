"""What one execution does differently from its definition."""

from typing import Literal

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.filter_field import FilterObject
from clustering_pipeline.model.llm_labeling import LLMLabeling
from clustering_pipeline.model.parameters import Share
from clustering_pipeline.model.vector_config import LayoutStability, SampleSize, VisComponents

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
