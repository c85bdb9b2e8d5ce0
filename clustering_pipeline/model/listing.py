"""Lists: what clients ask for, and what they get."""

from typing import Annotated, Literal

from pydantic import Field

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.definitions.views import ClusterMetadata
from clustering_pipeline.model.executions.views import ClusterExecutionResult
from clustering_pipeline.model.filters.tree import FilterObject

DEFAULT_LIMIT = 10
LARGEST_OFFSET = 10_000
PageSize = Annotated[int, Field(ge=1, le=1000)]


class SortOption(RequestModel):
    """One field to sort by."""

    field: str = Field(min_length=1, max_length=200)
    """Field of the results, dotted paths allowed."""
    direction: Literal["asc", "desc"] = "asc"
    """Smallest or largest first; what lacks the field counts as smallest."""


class ListRequest(RequestModel):
    """Which records, in which order, and which page of them."""

    filters: FilterObject | None = None
    """Conditions on the results' fields."""
    sort: SortOption | None = None
    """One field to sort by; newest first when nothing is said."""
    sorts: list[SortOption] | None = None
    """Several fields to sort by; wins over ``sort``."""
    search: str | None = Field(default=None, max_length=1000)
    """Words that must all occur, in any of the text fields, whatever their case."""
    limit: PageSize | None = None
    """Results on a page; 10 when nothing is said."""
    offset: int | None = Field(default=None, ge=0, le=LARGEST_OFFSET)
    """Results to pass over."""
    page: int | None = Field(default=None, ge=1)
    """Page to show, counted from 1; ``offset`` wins."""
    page_size: PageSize | None = None
    """Results on a page; ``limit`` wins."""
    cursor: str | None = Field(default=None, max_length=100_000)
    """Where a page before this one left off; it carries filters, sort and search."""


class ListClustersRequest(ListRequest):
    """Which definitions, in which order."""


class ListClusterExecutionsRequest(ListRequest):
    """Which executions of a definition, in which order."""


class ListGroupDocumentsRequest(RequestModel):
    """Which documents of a group, and which page of them: an extension of this server's."""

    filters: FilterObject | None = None
    """Conditions on the payloads."""
    offset: int = Field(default=0, ge=0, le=LARGEST_OFFSET)
    """Documents to pass over."""
    limit: PageSize = 10
    """Documents on a page."""


class PaginationResponse(View):
    """Where in the list a page is."""

    total: int
    """Matches on all pages."""
    page: int
    """This page, counted from 1."""
    page_size: int
    """Results on a full page."""
    total_pages: int
    """Pages there are."""
    next_page: str | None = None
    """Address of the page after this one."""
    previous_page: str | None = None
    """Address of the page before this one."""
    next_cursor: str | None = None
    """``cursor`` of the page after this one."""


class ClusterListStats(View):
    """All matches in a few numbers, not this page only."""

    total_clusters: int = 0
    """Definitions."""
    total_documents: int = 0
    """Documents of their published runs, summed."""
    avg_documents_per_cluster: float = 0.0
    """The same per definition."""
    clusters_by_status: dict[str, int] = Field(default_factory=dict)
    """Definitions per status."""


class ListClustersResponse(View):
    """A page of definitions."""

    results: list[ClusterMetadata]
    """The definitions of this page."""
    pagination: PaginationResponse
    """Where in the list this is."""
    total_count: int
    """Matches on all pages."""
    stats: ClusterListStats | None = None
    """All matches in a few numbers."""


class ClusterExecutionListStats(View):
    """All matches in a few numbers, not this page only."""

    total_executions: int = Field(default=0, ge=0)
    """Executions."""
    executions_by_status: dict[str, int] = Field(default_factory=dict)
    """Executions per status."""
    avg_execution_time_ms: float = Field(default=0.0, ge=0)
    """Mean time from request to end, of those that ended."""
    total_documents_clustered: int = Field(default=0, ge=0)
    """Documents that took part, summed over executions."""
    avg_num_clusters: float = Field(default=0.0, ge=0)
    """Mean number of groups."""


class ListClusterExecutionsResponse(View):
    """A page of executions."""

    results: list[ClusterExecutionResult]
    """The executions of this page."""
    pagination: PaginationResponse
    """Where in the list this is."""
    total_count: int = Field(ge=0)
    """Matches on all pages."""
    stats: ClusterExecutionListStats | None = None
    """All matches in a few numbers."""
