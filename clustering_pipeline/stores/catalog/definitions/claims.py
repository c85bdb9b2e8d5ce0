"""Who may run a definition: one run at a time, and none that is dead."""

from collections.abc import Callable
from typing import Any

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import (
    ClusterNotFound,
    ExecutionInFlight,
    RunCanceled,
    StateConflict,
)
from clustering_pipeline.model.scope import Owner
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.executions.executions import Executions
from clustering_pipeline.stores.catalog.table import Table

_TURNS = 20


def claim(
    table: Table,
    executions: Executions,
    cluster_id: str,
    owner: Owner,
    *,
    is_alive: Callable[[Owner], bool],
    clock: Clock,
) -> Owner | None:
    """See ``Clusters.claim``."""
    ours = owner.model_copy(update={"claimed_at": clock()}).model_dump(mode="json")
    for _ in range(_TURNS):
        free = [{"claim": None}, {"claim.run_id": owner.run_id}]
        if _take(table, {"_id": cluster_id, "$or": free}, ours):
            return None
        held = _holder(table, cluster_id)
        if held is None:
            continue
        holder = Owner.model_validate(held)
        if is_alive(holder):
            raise _in_flight(cluster_id, holder)
        # Before the claim changes hands: if we die in between, the next one finds a dead owner.
        executions.interrupt(holder.run_id)
        if _take(table, {"_id": cluster_id, "claim": held}, ours):
            return holder
    message = f"definition {cluster_id} changes hands faster than it can be claimed: try again"
    raise StateConflict(message)


def release(table: Table, cluster_id: str, run_id: str) -> bool:
    """See ``Clusters.release``."""
    query = {"_id": cluster_id, "claim.run_id": run_id}
    return table.swap(query, {"$set": {"claim": None}}) is not None


def active(record: ClusterRecord) -> ClusterRecord:
    """The record as it is; raises RunCanceled when it is archived."""
    if record.state.archived_at is not None:
        message = f"{record.name!r} is archived: unarchive it, then execute it"
        raise RunCanceled(message)
    return record


def lost(cluster_id: str, run_id: str) -> StateConflict:
    """A run does something only the holder of a definition may do."""
    message = f"{run_id} does not hold definition {cluster_id}: it ended, or another run took over"
    return StateConflict(message)


def _take(table: Table, query: dict[str, Any], ours: dict[str, Any]) -> bool:
    return table.swap(query, {"$set": {"claim": ours}}) is not None


def _holder(table: Table, cluster_id: str) -> dict[str, Any] | None:
    missing = ClusterNotFound(f"no cluster definition {cluster_id!r} here: it was deleted")
    return table.record({"_id": cluster_id}, lambda document: document.get("claim"), missing)


def _in_flight(cluster_id: str, holder: Owner) -> ExecutionInFlight:
    does = "is being executed by" if holder.waits_in is None else "waits in the queue for"
    message = f"definition {cluster_id} {does} {holder.run_id}: wait, or cancel it"
    details = {"task_id": holder.task_id, "run_id": holder.run_id}
    return ExecutionInFlight(message, details=details)
