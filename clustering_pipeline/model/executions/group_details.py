"""One group as a reader looks into it: what it is like, its documents, and groups that a query
means.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.executions.lineage import RunEvents


class NearGroup(View):
    """A group that lies near another one."""

    cluster_id: str
    """Its id within the run."""
    group_uid: str | None = None
    """Its id across runs."""
    label: str | None = None
    """Its name."""
    member_count: int
    """Documents in it."""
    cosine: float
    """Cosine of both centroids."""


class RepresentativeText(View):
    """A document that stands for its group, with the beginning of its text."""

    document_id: str
    """The document."""
    collection_id: str | None = None
    """Its collection."""
    text: str | None = None
    """The beginning of its text; null where the run kept none."""


class FittingText(RepresentativeText):
    """A document that fits a query, with the beginning of its text."""

    cluster_id: str
    """Its group, or noise."""


class StandingOut(View):
    """A value of a payload field that is more frequent in the group than elsewhere."""

    field: str
    """The field."""
    value: Any
    """The value."""
    share: float = Field(ge=0, le=1)
    """Share of the group's documents that have it."""
    share_elsewhere: float = Field(ge=0, le=1)
    """Share of all other documents that have it."""


class GroupDetails(View):
    """One group of a run: an extension of this server's."""

    cluster_id: str
    """Its id within the run."""
    group_uid: str | None = None
    """Its id across runs."""
    run_id: str
    """The run."""
    label: str | None = None
    """Its name."""
    label_source: str | None = None
    """Who named it: `keyphrases`, `llm`, `human`, `attributes`."""
    summary: str | None = None
    """A sentence about it."""
    keywords: list[str] = Field(default_factory=list)
    """Words that tell it from the others."""
    member_count: int
    """Documents in it."""
    share: float = Field(ge=0, le=1)
    """Share of all documents of the run, those in no group included."""
    cohesion: float | None = None
    """Mean cosine of its members to the centroid; null where attributes made the groups."""
    separation: float | None = None
    """Cosine distance to the centroid of the nearest group."""
    parent_cluster_id: str | None = None
    """The group it is part of."""
    children: list[str] = Field(default_factory=list)
    """The groups that are part of it."""
    neighbors: list[NearGroup] = Field(default_factory=list)
    """The groups nearest to it, nearest first."""
    representatives: list[RepresentativeText] = Field(default_factory=list)
    """Documents that stand for it, best first."""
    fields: list[StandingOut] = Field(default_factory=list)
    """Values of payload fields that stand out, most telling first."""
    history: list[RunEvents] = Field(default_factory=list)
    """What the published runs did to it, newest first."""


class GroupDocument(View):
    """A document of a group."""

    document_id: str
    """The document."""
    collection_id: str
    """Its collection."""
    cluster_id: str
    """Its group, the deepest in a hierarchy."""
    probability: float | None = None
    """How surely it is in its group."""
    assigned_by: str | None = None
    """The wish of the definition by which it is in its group: `target_noise`."""
    distance_to_centroid: float | None = None
    """Cosine distance from the centroid of its group."""
    payload: dict[str, Any] = Field(default_factory=dict)
    """What it said when the run read it."""


class GroupDocumentsResponse(View):
    """A page of the documents of a group: an extension of this server's."""

    cluster_id: str
    """The group."""
    run_id: str
    """The run."""
    total_count: int = Field(ge=0)
    """Documents on all pages."""
    results: list[GroupDocument]
    """Those of this page, surest first."""


class FoundGroup(View):
    """A group that a query means."""

    cluster_id: str
    """Its id within the run."""
    group_uid: str | None = None
    """Its id across runs."""
    label: str | None = None
    """Its name."""
    member_count: int
    """Documents in it."""
    score: float
    """How well it fits: a cosine by vectors, by words 1 where its name and all its documents have
    all of the words."""


class TextPlacement(View):
    """The group that a text would join: an extension of this server's."""

    text: str
    """The text."""
    cluster_id: str | None = None
    """The group; null where it is new to all of them."""
    group_uid: str | None = None
    """Its id across runs."""
    label: str | None = None
    """Its name."""
    probability: float
    """1 for a text as near as the group's median member, 0 from the end of its reach."""
    nearest_cluster_id: str | None = None
    """The group it is nearest to, also where it does not join it."""
    cosine: float
    """Cosine to the centroid of that."""


class PlaceTextsRequest(RequestModel):
    """Texts to place among the groups of the published run: an extension of this server's."""

    texts: list[Annotated[str, Field(min_length=1, max_length=100_000)]] = Field(
        min_length=1, max_length=1000
    )
    """The texts."""
    threshold: float = Field(default=0.5, ge=-1, le=1)
    """Least cosine to a group's centroid, to join it."""


class PlaceTextsResponse(View):
    """Where texts would go: an extension of this server's."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The run."""
    results: list[TextPlacement]
    """A place for each text, in their order."""


class GroupSearchResponse(View):
    """The groups that a query means, best first: an extension of this server's."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The run."""
    by: Literal["words", "vectors"]
    """What was compared."""
    results: list[FoundGroup]
    """Groups, best first; none where nothing fits."""
    documents: list[FittingText]
    """Documents that fit best."""
