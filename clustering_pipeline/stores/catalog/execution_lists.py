"""Lists of executions."""

from clustering_pipeline.model.executions.execution import ClusterExecutionResult
from clustering_pipeline.model.listing import (
    ClusterExecutionListStats,
    ListClusterExecutionsRequest,
    ListClusterExecutionsResponse,
)
from clustering_pipeline.stores.catalog.list_fields import EXECUTION_FIELDS
from clustering_pipeline.stores.catalog.list_kinds import Listed
from clustering_pipeline.stores.catalog.list_query import ListQuery
from clustering_pipeline.stores.catalog.lists import Found, find_page, paginate
from clustering_pipeline.stores.catalog.table import Query, Table


def list_executions(
    table: Table, base: Query, request: ListClusterExecutionsRequest, *, path: str
) -> ListClusterExecutionsResponse:
    """See ``Executions.list``."""
    question = ListQuery.of(request)
    found = find_page(_kind(table), base, question)
    return ListClusterExecutionsResponse(
        results=[ClusterExecutionResult.model_validate(view) for view in found.views],
        pagination=paginate(question, found, path=path),
        total_count=found.total,
        stats=_stats(found),
    )


def _kind(table: Table) -> Listed:
    return Listed(
        table=table,
        fields=EXECUTION_FIELDS,
        public=frozenset(ClusterExecutionResult.model_fields),
        sums={
            "points": "view.num_points",
            "groups": "view.num_clusters",
            "elapsed_ms": "elapsed_ms",
        },
        counts={"ended": "elapsed_ms"},
    )


def _stats(found: Found) -> ClusterExecutionListStats:
    ended = found.summed("ended")
    return ClusterExecutionListStats(
        total_executions=found.total,
        executions_by_status=found.counts,
        avg_execution_time_ms=found.summed("elapsed_ms") / ended if ended else 0.0,
        total_documents_clustered=int(found.summed("points")),
        avg_num_clusters=found.summed("groups") / found.total if found.total else 0.0,
    )
