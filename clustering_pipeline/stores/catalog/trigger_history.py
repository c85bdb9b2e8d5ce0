"""What a trigger started: its executions."""

from collections.abc import Mapping
from typing import Any

from clustering_pipeline.model.automation.triggers import (
    TriggerExecutionHistoryItem,
    TriggerHistoryRequest,
    TriggerHistoryResponse,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.scoping import within
from clustering_pipeline.stores.catalog.table import Table

_FIELDS = (
    "view.run_id",
    "view.created_at",
    "view.status",
    "view.error_message",
    "view.num_clusters",
    "view.num_points",
    "elapsed_ms",
)


def history(
    executions: Table, scope: Scope, trigger_id: str, request: TriggerHistoryRequest
) -> TriggerHistoryResponse:
    """A page of them, newest first."""
    query = within(scope, **{"view.trigger_id": trigger_id})
    if request.status_filter is not None:
        query["view.status"] = request.status_filter
    found = executions.find(
        query,
        sort=[("view.created_at", -1), ("_id", -1)],
        skip=request.offset,
        limit=request.limit,
        fields=_FIELDS,
    )
    return TriggerHistoryResponse(
        trigger_id=trigger_id,
        executions=[_item(one) for one in found],
        total=executions.count(query),
        offset=request.offset,
        limit=request.limit,
    )


def _item(document: Mapping[str, Any]) -> TriggerExecutionHistoryItem:
    view, elapsed = document["view"], document.get("elapsed_ms")
    return TriggerExecutionHistoryItem(
        job_id=view["run_id"],
        triggered_at=view["created_at"],
        status=view["status"],
        execution_time_ms=None if elapsed is None else round(elapsed),
        error=view.get("error_message"),
        num_clusters=view.get("num_clusters"),
        num_documents=view.get("num_points"),
    )
