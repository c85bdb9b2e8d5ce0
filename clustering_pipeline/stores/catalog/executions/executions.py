"""The executions of definitions."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.definitions.execute import RENAME
from clustering_pipeline.model.errors import ExecutionNotFound, RunInterrupted, StateConflict
from clustering_pipeline.model.executions.execution import (
    ClusterExecutionResult,
    ExecutionProgress,
    ExecutionRecord,
    LabelingLedger,
)
from clustering_pipeline.model.executions.label_overrides import changed, relabelled
from clustering_pipeline.model.listing import (
    ClusterExecutionListStats,
    ListClusterExecutionsRequest,
    ListClusterExecutionsResponse,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.status import ENDED, ClusterStatus, ExecutionStatus
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.listing.fields import (
    EXECUTION_FIELDS,
    Listed,
    folded,
    search_text,
)
from clustering_pipeline.stores.catalog.listing.page import Found, find_page, paginate
from clustering_pipeline.stores.catalog.listing.query import ListQuery
from clustering_pipeline.stores.catalog.table import (
    Document,
    Duplicate,
    Query,
    Table,
    change,
    ids_within,
    within,
)

Edit = Callable[[ExecutionRecord], ExecutionRecord]

NEWEST = (("view.created_at", -1), ("_id", -1))
# What may still change when an execution has ended, among the fields that clients see.
_OPEN = frozenset({"label_overrides", "run_name", "member_counts_stale", "generation_reap"})
_UNENDED = [status.value for status in ExecutionStatus if status not in ENDED]
_OF_FILES = ("view.created_at", "view.status", "view.members_key", "view.artifacts", "view.plan")
_SUMMED = tuple(name for name in LabelingLedger.model_fields if name != "unpriced")
_CLOSED = frozenset(ClusterExecutionResult.model_fields) - _OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """What is to be known of an execution to keep its files or not."""

    run_id: str
    created_at: str
    """ISO 8601, so that they sort."""
    ended: bool
    has_results: bool
    only_names: bool
    """Whether it shows the groups of another under new names."""
    uses: frozenset[str]
    """The runs in whose directories some of its files lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executions:
    """Executions: made once, filled while they run, unchanged when they have ended."""

    table: Table
    clock: Clock

    def begin(self, record: ExecutionRecord) -> ExecutionRecord:
        """Makes the record unless it is there, and returns the one that is.

        Whichever comes first makes it, the launch or the first asset of the run.
        """
        return record if self.reserve(record) else self.by_id(record.run_id)

    def reserve(self, record: ExecutionRecord) -> bool:
        """Makes the record; False when it is there already."""
        try:
            self.table.insert(_to_document(record))
        except Duplicate:
            return False
        return True

    def find(self, run_id: str) -> ExecutionRecord | None:
        """The execution of that run, if there is one."""
        return self.table.first({"_id": run_id}, _from_document)

    def of_run(self, run_id: str) -> list[str]:
        """The executions of a Dagster run: itself, or one for each of its definitions."""
        query = {"_id": ids_within(run_id)}
        return [str(row["_id"]) for row in self.table.find(query, fields=["_id"])]

    def by_id(self, run_id: str) -> ExecutionRecord:
        """The execution of that run; raises ExecutionNotFound."""
        return self.table.record({"_id": run_id}, _from_document, _not_found(run_id))

    def get(self, scope: Scope, run_id: str, *, cluster_id: str | None = None) -> ExecutionRecord:
        """The execution, if it is one of the namespace (and definition); else ExecutionNotFound."""
        query = _identified(scope, run_id, cluster_id)
        return self.table.record(query, _from_document, _not_found(run_id))

    def published(self, record: ClusterRecord) -> ExecutionRecord | None:
        """The execution whose results readers of a definition see; None before the first."""
        run_id = record.state.last_run_id
        return self.find(run_id) if run_id else None

    def latest(self, cluster_id: str) -> ExecutionRecord | None:
        """The newest execution of a definition, however it went."""
        return self._newest({"cluster_id": cluster_id})

    def of_task(self, task_id: str) -> ExecutionRecord | None:
        """The newest execution of a task: a retried run keeps its task."""
        return self._newest({"view.task_id": task_id})

    def newest_results(self, cluster_id: str) -> ExecutionRecord | None:
        """The newest completed execution of a definition whose results are kept, none refused."""
        return self._newest(
            {
                "cluster_id": cluster_id,
                "view.status": ExecutionStatus.COMPLETED.value,
                "view.members_key": {"$ne": None},
                "view.expired_at": None,
                "view.refusals.0": {"$exists": False},
            }
        )

    def active(self, cluster_id: str) -> list[ExecutionRecord]:
        """The executions of a definition that have not ended, newest first."""
        query = {"cluster_id": cluster_id, "view.status": {"$in": _UNENDED}}
        return [_from_document(row) for row in self.table.find(query, sort=NEWEST)]

    def being_grouped(self, run_ids: Collection[str]) -> set[str]:
        """Those of them whose groups a composite run under way groups."""
        sources = "view.source_execution_ids"
        query = {"view.mode": COMPOSITE, "view.status": {"$in": _UNENDED}}
        rows = self.table.find(query | {sources: {"$in": sorted(run_ids)}}, fields=[sources])
        grouped = {source for row in rows for source in row["view"]["source_execution_ids"]}
        return set(run_ids) & grouped

    def list(
        self, scope: Scope, cluster_id: str, request: ListClusterExecutionsRequest
    ) -> ListClusterExecutionsResponse:
        """One page of a definition's executions, and the sums over all that match."""
        question = ListQuery.of(request)
        page = find_page(_kind(self.table), within(scope, cluster_id=cluster_id), question)
        path = f"/v1/clusters/{cluster_id}/executions/list"
        return ListClusterExecutionsResponse(
            results=[ClusterExecutionResult.model_validate(view) for view in page.views],
            pagination=paginate(question, page, path=path),
            total_count=page.total,
            stats=_stats(page),
        )

    def update(self, run_id: str, **changes: Any) -> ExecutionRecord:
        """Changes fields; raises StateConflict when the execution has ended and clients see them.

        Ending it stamps ``completed_at``.
        """
        return self._change({"_id": run_id}, run_id, changes)

    def progress(self, run_id: str, progress: ExecutionProgress | None) -> None:
        """Says how far the run is, without making a new version of it."""
        shown = progress.model_dump() if progress else None
        self.table.swap({"_id": run_id}, {"$set": {"view.progress": shown}})

    def interrupt(self, run_id: str) -> None:
        """Marks an execution failed because its process is gone; an ended one stays as it is."""
        failed = {
            "status": ExecutionStatus.FAILED,
            "task_status": ClusterStatus.INTERRUPTED,
            "failure_category": RunInterrupted.category,
            "error_message": f"the process of {run_id} ended without saying so",
        }
        execution = self.find(run_id)
        if execution is not None and not execution.status.ended:
            self.update(run_id, **failed)

    def name(
        self, scope: Scope, run_id: str, run_name: str, *, cluster_id: str | None = None
    ) -> ExecutionRecord:
        """Gives an execution a name; an empty one clears it."""
        query = _identified(scope, run_id, cluster_id)
        return self._change(query, run_id, {"run_name": run_name or None})

    def relabel(
        self, scope: Scope, run_id: str, labels: Mapping[str, str], *, cluster_id: str | None = None
    ) -> ExecutionRecord:
        """Overrides labels of groups; an empty one removes the override."""
        query = _identified(scope, run_id, cluster_id)
        return self._edit(query, run_id, lambda record: relabelled(record, labels))

    def spent(self, scope: Scope, *, cluster_id: str | None = None) -> LabelingLedger:
        """What labels took, over the executions of a definition or of the whole namespace.

        Executions that were deleted with their definition are not in it.
        """
        part = {} if cluster_id is None else {"cluster_id": cluster_id}
        sums = {name: {"$sum": f"$view.ledger.{name}"} for name in _SUMMED}
        unpriced = {"$max": {"$ifNull": ["$view.ledger.unpriced", False]}}
        rows = self.table.aggregate(
            [
                {"$match": within(scope, **part, **{"view.ledger": {"$ne": None}})},
                {"$group": {"_id": None, **sums, "unpriced": unpriced}},
                {"$unset": "_id"},
            ]
        )
        return LabelingLedger.model_validate(rows[0] if rows else {})

    def with_files(self, cluster_id: str) -> tuple[RunFiles, ...]:
        """The executions of a definition whose files were not removed, without their results."""
        query = {"cluster_id": cluster_id, "view.expired_at": None}
        return tuple(map(_files, self.table.find(query, fields=_OF_FILES)))

    def ids_of(self, cluster_id: str) -> tuple[str, ...]:
        """The run ids of a definition's executions, in order."""
        rows = self.table.find({"cluster_id": cluster_id}, sort=[("_id", 1)], fields=["_id"])
        return tuple(str(row["_id"]) for row in rows)

    def delete_of(self, cluster_id: str) -> int:
        """Forgets all executions of a definition."""
        return self.table.delete({"cluster_id": cluster_id})

    def _newest(self, query: Query) -> ExecutionRecord | None:
        return self.table.first(query, _from_document, sort=NEWEST)

    def _change(self, query: Query, run_id: str, changes: dict[str, Any]) -> ExecutionRecord:
        return self._edit(query, run_id, lambda record: changed(record, changes))

    def _edit(self, query: Query, run_id: str, edit: Edit) -> ExecutionRecord:
        return change(
            self.table,
            query,
            decode=_from_document,
            encode=_to_update,
            missing=_not_found(run_id),
            edit=lambda record: self._checked(record, edit(record)),
        )

    def _checked(self, record: ExecutionRecord, edited: ExecutionRecord) -> ExecutionRecord:
        moment = self.clock()
        if edited == record:
            return record
        if record.status.ended:
            _check_open(record, edited)
        elif edited.status.ended and edited.completed_at is None:
            edited = edited.model_copy(update={"completed_at": moment})
        return edited.model_copy(update={"updated_at": moment})


def _files(document: Document) -> RunFiles:
    view = document["view"]
    keys = (view.get("artifacts") or {}).values()
    return RunFiles(
        run_id=document["_id"],
        created_at=view["created_at"],
        ended=ExecutionStatus(view["status"]).ended,
        has_results=view.get("members_key") is not None,
        only_names=view.get("plan") == RENAME,
        uses=frozenset(key.rsplit("/", 2)[-2] for key in keys),
    )


def _check_open(before: ExecutionRecord, after: ExecutionRecord) -> None:
    closed = [name for name in sorted(_CLOSED) if getattr(before, name) != getattr(after, name)]
    if closed:
        message = (
            f"{before.run_id} has ended ({before.status.value}) and keeps its {', '.join(closed)}"
        )
        raise StateConflict(message)


def _identified(scope: Scope, run_id: str, cluster_id: str | None) -> dict[str, Any]:
    query = within(scope, _id=run_id)
    return query if cluster_id is None else {**query, "cluster_id": cluster_id}


def _not_found(run_id: str) -> ExecutionNotFound:
    message = f"no execution {run_id[:200]!r} here: list the definition's executions to see them"
    return ExecutionNotFound(message)


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


def _stats(page: Found) -> ClusterExecutionListStats:
    ended = page.summed("ended")
    return ClusterExecutionListStats(
        total_executions=page.total,
        executions_by_status=page.counts,
        avg_execution_time_ms=page.summed("elapsed_ms") / ended if ended else 0.0,
        total_documents_clustered=int(page.summed("points")),
        avg_num_clusters=page.summed("groups") / page.total if page.total else 0.0,
    )


def _to_document(record: ExecutionRecord) -> Document:
    """A new execution."""
    return {"_id": record.run_id, "cluster_id": record.cluster_id, **_fields(record)}


def _to_update(record: ExecutionRecord) -> Mapping[str, Any]:
    """A changed execution."""
    return {"$set": {**_fields(record), "version": record.version + 1}}


def _from_document(document: Document) -> ExecutionRecord:
    """The record that a document holds."""
    return ExecutionRecord.model_validate({**document["view"], "version": document["version"]})


def _fields(record: ExecutionRecord) -> dict[str, Any]:
    view = record.model_dump(mode="json", exclude={"version"})
    return {
        **record.scope.fields(),
        "version": record.version,
        "view": view,
        "folded": folded(view, EXECUTION_FIELDS),
        "search": search_text(_searched(record)),
        "elapsed_ms": _elapsed(record),
        "owes_events": bool(record.events_owed),
    }


def _searched(record: ExecutionRecord) -> list[str]:
    texts = [record.run_id, record.run_name, record.error_message]
    for group in record.centroids or ():
        texts += [group.label, group.summary]
    given = [text for text in texts if text is not None]
    return [*given, *(record.label_overrides or {}).values()]


def _elapsed(record: ExecutionRecord) -> float | None:
    if record.completed_at is None:
        return None
    return (record.completed_at - record.created_at).total_seconds() * 1000
