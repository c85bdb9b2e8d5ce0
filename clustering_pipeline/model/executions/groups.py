"""The groups of the published run as clients read them."""

from clustering_pipeline.model.base import View


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
