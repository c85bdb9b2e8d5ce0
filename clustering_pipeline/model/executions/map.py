"""The map of a run as clients read it."""

from pydantic import Field

from clustering_pipeline.model.base import View

DEFAULT_POINTS = 10_000
MOST_POINTS = 1_000_000


class VisualizedCentroid(View):
    """A group on the map: the middle of its documents."""

    cluster_id: str
    """Id of the group within the run."""
    label: str | None = None
    """Its name."""
    num_members: int
    """Documents in it."""
    group_uid: str | None = None
    """Id of the group across runs."""
    parent_cluster_id: str | None = None
    """The group it is part of."""
    hierarchy_level: int = 0
    """0 on top."""
    x: float | None = None
    """Its place; null where none of its documents is on the map."""
    y: float | None = None
    """Its place."""
    z: float | None = None
    """Its place, on maps with three dimensions."""


class VisualizedMember(View):
    """A document on the map."""

    document_id: str
    """The document."""
    collection_id: str
    """Its collection."""
    cluster_id: str
    """Its group."""
    x: float
    """Its place."""
    y: float
    """Its place."""
    z: float | None = None
    """Its place, on maps with three dimensions."""


class VisualizedMembers(View):
    """The same documents, field by field: the smaller form of many."""

    document_ids: list[str]
    """The documents."""
    collection_ids: list[str]
    """Their collections."""
    cluster_ids: list[str]
    """Their groups."""
    x: list[float]
    """Their places."""
    y: list[float]
    """Their places."""
    z: list[float] | None = None
    """Their places, on maps with three dimensions."""


class ClusterVisualization(View):
    """The map of a run: its groups, and a sample of its documents."""

    cluster_id: str
    """The definition."""
    run_id: str | None = None
    """The run; null before the first is published."""
    dimensions: int = 2
    """Two or three."""
    total_points: int = 0
    """Documents on the map."""
    returned_points: int = 0
    """Of those, documents in this answer: a uniform sample, the same each time."""
    centroids: list[VisualizedCentroid] = Field(default_factory=list)
    """The groups, largest first."""
    members: list[VisualizedMember] | VisualizedMembers = Field(default_factory=list)
    """The documents, noise included; field by field when asked to be compact."""
