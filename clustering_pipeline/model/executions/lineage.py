"""What became of groups from run to run."""

from typing import Literal

from pydantic import Field

from clustering_pipeline.model.base import View
from clustering_pipeline.model.scope import Scoped
from clustering_pipeline.model.times import Moment

LineageKind = Literal[
    "born", "continued", "grown", "shrunk", "split", "merged", "died", "relabelled"
]


class LineageEvent(View):
    """One thing that happened to one group in one run."""

    event: LineageKind
    """What happened: a group that continues is ``continued``, ``grown`` or ``shrunk`` by its size;
    a result of a merge is ``merged``, every part of a split group ``split``."""
    group_uid: str
    """The group."""
    cluster_id: str | None = None
    """Its id within the run; null when it died."""
    previous_cluster_id: str | None = None
    """Its id within the run before; null when it was not there."""
    hierarchy_level: int = 0
    """0 on top."""
    parents: list[str] = Field(default_factory=list)
    """Uids of the groups of the run before that it comes from."""
    overlaps: list[float] = Field(default_factory=list)
    """Of each parent, the Jaccard index with the group over the documents that both runs saw."""
    matched_by: Literal["members", "centroid"] | None = None
    """What told that it is the same group."""
    score: float | None = None
    """How much so: the Jaccard index of the members, or the cosine of the centroids."""
    num_members: int | None = None
    """Documents in it."""
    previous_num_members: int | None = None
    """Documents in it in the run before."""
    label: str | None = None
    """Its name."""
    previous_label: str | None = None
    """Its name in the run before."""


class RunLineage(Scoped):
    """What one run did to the groups of a definition."""

    run_id: str
    cluster_id: str
    previous_run_id: str | None = None
    """The run that was published when this one began."""
    created_at: Moment
    events: list[LineageEvent] = Field(default_factory=list)


class RunEvents(View):
    """What one run did."""

    run_id: str
    """The run."""
    previous_run_id: str | None = None
    """The run whose groups these are compared with."""
    created_at: Moment
    """When it was published."""
    events: list[LineageEvent]
    """Group by group; those that died come last."""


class ClusterLineageResponse(View):
    """The history of a definition's groups, or of one of them."""

    cluster_id: str
    """The definition."""
    group_uid: str | None = None
    """The group, when only one was asked for."""
    runs: list[RunEvents]
    """Run by run, newest first."""


class RunDiffResponse(View):
    """What is different between two runs of a definition."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The run."""
    against: str
    """The run it is compared with."""
    documents_added: int
    """Documents that only this run saw."""
    documents_removed: int
    """Documents that only the other run saw."""
    documents_kept: int
    """Documents of both runs in the same group, or in none."""
    documents_moved: int
    """Documents of both runs in different groups."""
    documents_to_noise: int
    """Documents of both runs that are in no group any more."""
    documents_from_noise: int
    """Documents of both runs that were in no group before."""
    counts: dict[LineageKind, int]
    """How many of each event there are."""
    events: list[LineageEvent]
    """Group by group; those that died come last."""
