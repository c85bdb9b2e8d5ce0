"""The triggers of definitions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clustering_pipeline.model.automation.schedules import first_time, next_time, put_off
from clustering_pipeline.model.automation.triggers import (
    MOST_FAILURES,
    CreateTriggerRequest,
    ListTriggersRequest,
    ListTriggersResponse,
    TriggerExecutionHistoryItem,
    TriggerHistoryRequest,
    TriggerHistoryResponse,
    TriggerRecord,
    TriggerStatus,
    UpdateTriggerRequest,
    schedule_of,
)
from clustering_pipeline.model.definitions.create import mode_problem
from clustering_pipeline.model.errors import InvalidDefinition, TriggerNotFound
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock, iso
from clustering_pipeline.stores.catalog.definitions.clusters import Clusters
from clustering_pipeline.stores.catalog.table import Document, Table, change, within

Edit = Callable[[TriggerRecord], TriggerRecord]
_SORTED = {"next_scheduled_at": "next_run_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Triggers: made for a definition, and gone with it."""

    table: Table
    clusters: Clusters
    clock: Clock

    def create(
        self, scope: Scope, request: CreateTriggerRequest, *, created_by: str | None = None
    ) -> TriggerRecord:
        """Stores a trigger; raises ClusterNotFound, and InvalidRequest for settings unfit."""
        schedule, now = request.schedule, self.clock()
        cluster = self.clusters.get(scope, _required(request.cluster_id))
        inputs = list(cluster.spec.collection_ids or ())
        given = request.execution_config
        config = given.model_dump() if given else {"collection_ids": inputs, "config": {}}
        record = TriggerRecord(
            trigger_id=new_id("trig"),
            cluster_id=cluster.cluster_id,
            organization_id=scope.organization_id,
            namespace_id=scope.namespace_id,
            execution_config=config,
            trigger_type=request.trigger_type,
            schedule_config=schedule.model_dump(mode="json"),
            status=TriggerStatus(request.status),
            seen_batches=sum(self.clusters.batches.completed(scope, inputs).values()),
            created_at=now,
            updated_at=now,
            created_by=created_by,
            description=request.description,
        )
        if problem := mode_problem(cluster.spec, "execution_config.config.mode", record.mode):
            raise InvalidDefinition(problem)
        record = _started(record, now)
        self.table.insert({"_id": record.trigger_id, **record.model_dump(mode="json")})
        return record

    def get(self, scope: Scope, trigger_id: str) -> TriggerRecord:
        """The trigger; raises TriggerNotFound."""
        query = within(scope, _id=trigger_id)
        return self.table.record(query, TriggerRecord.model_validate, _not_found(trigger_id))

    def list(self, scope: Scope, request: ListTriggersRequest) -> ListTriggersResponse:
        """A page of the namespace's triggers; raises ClusterNotFound for an unknown definition."""
        query = within(scope, **self._conditions(scope, request))
        sort = _SORTED.get(request.sort_by, request.sort_by)
        direction = 1 if request.direction == "asc" else -1
        order = [(sort, direction), ("_id", 1)]
        rows = self.table.find(query, sort=order, skip=request.offset, limit=request.limit)
        return ListTriggersResponse(
            results=[TriggerRecord.model_validate(row).model() for row in rows],
            total=self.table.count(query),
            offset=request.offset,
            limit=request.limit,
        )

    def update(self, scope: Scope, trigger_id: str, request: UpdateTriggerRequest) -> TriggerRecord:
        """Changes what is given; new times or a new start count from now."""
        now = self.clock()

        def edit(record: TriggerRecord) -> TriggerRecord:
            changes = _given(record, request)
            if not changes:
                return record
            changed = record.changed(**changes, updated_at=now)
            anew = "schedule_config" in changes or changes.get("status") == TriggerStatus.ACTIVE
            return _started(changed, now) if anew else changed

        return self._edit(within(scope, _id=trigger_id), trigger_id, edit)

    def pause(self, scope: Scope, trigger_id: str) -> TriggerRecord:
        """Keeps it from firing; may be repeated."""
        return self.update(scope, trigger_id, UpdateTriggerRequest(status="paused"))

    def resume(self, scope: Scope, trigger_id: str) -> TriggerRecord:
        """Lets it fire again, from its next time on; its failures are forgotten."""
        return self.update(scope, trigger_id, UpdateTriggerRequest(status="active"))

    def delete(self, scope: Scope, trigger_id: str) -> TriggerRecord:
        """Forgets it; what it started stays."""
        record = self.get(scope, trigger_id)
        if not self.table.delete(within(scope, _id=trigger_id)):
            raise _not_found(trigger_id)
        return record

    def history(
        self, scope: Scope, trigger_id: str, request: TriggerHistoryRequest
    ) -> TriggerHistoryResponse:
        """A page of what it started, newest first; raises TriggerNotFound."""
        self.get(scope, trigger_id)
        query = within(scope, **{"view.trigger_id": trigger_id})
        if request.status_filter is not None:
            query["view.status"] = request.status_filter
        executions = self.clusters.executions.table
        rows = executions.find(
            query,
            sort=[("view.created_at", -1), ("_id", -1)],
            skip=request.offset,
            limit=request.limit,
            fields=_FIELDS,
        )
        return TriggerHistoryResponse(
            trigger_id=trigger_id,
            executions=[_item(row) for row in rows],
            total=executions.count(query),
            offset=request.offset,
            limit=request.limit,
        )

    def delete_of(self, cluster_id: str) -> int:
        """Forgets the triggers of a definition."""
        return self.table.delete({"cluster_id": cluster_id})

    def due(
        self, now: datetime, *, limit: int = 0, besides: Collection[str] = ()
    ) -> Sequence[TriggerRecord]:
        """The active ones of all namespaces whose time has come, the longest waiting first.

        Without those of the definitions ``besides``.
        """
        others = {"cluster_id": {"$nin": sorted(besides)}} if besides else {}
        query = {"status": TriggerStatus.ACTIVE.value, "next_run_at": {"$lte": iso(now)}, **others}
        rows = self.table.find(query, sort=[("next_run_at", 1), ("_id", 1)], limit=limit)
        return [TriggerRecord.model_validate(row) for row in rows]

    def fired(
        self, trigger: TriggerRecord, run_id: str, *, updates: int = 0, **seen: Any
    ) -> TriggerRecord:
        """Notes that the run of this firing is there, once; its next time is set.

        ``updates`` and what else was ``seen`` are of the moment at which it fired.
        """
        now = self.clock()

        def edit(record: TriggerRecord) -> TriggerRecord:
            if record.execution_count != trigger.execution_count:
                return record
            return _advanced(record, now).changed(
                last_triggered_at=now,
                last_execution_job_id=run_id,
                execution_count=record.execution_count + 1,
                event_counter=0,
                updates=max(0, record.updates - updates),
                **seen,
            )

        return self._edit({"_id": trigger.trigger_id}, trigger.trigger_id, edit)

    def looked(self, trigger: TriggerRecord, **seen: Any) -> TriggerRecord:
        """Notes a look that found no reason to fire, and when the next one is."""
        now = self.clock()
        return self._edit(
            {"_id": trigger.trigger_id},
            trigger.trigger_id,
            lambda record: _advanced(record, now).changed(**seen),
        )

    def ended(self, trigger_id: str, run_id: str, *, status: str, error: str | None) -> None:
        """Notes how a run of the trigger ended, once; five failures in a row end the trigger."""

        def edit(record: TriggerRecord) -> TriggerRecord:
            if record.last_ended_job_id == run_id:
                return record
            return _after_run(record, run_id, status=status, error=error)

        if self.table.find_one({"_id": trigger_id}) is not None:
            self._edit({"_id": trigger_id}, trigger_id, edit)

    def updated_documents(self, scope: Scope, collection_id: str, count: int) -> None:
        """Tells the triggers that count updates of documents; Qdrant keeps no trace of them.

        Those of definitions that read the collection: what triggers name is only kept for them.
        """
        query = within(scope, **{"schedule_config.event_type": "documents_updated"})
        waiting = self.table.find(query, fields=["cluster_id"])
        if not waiting:
            return
        ids = {trigger["cluster_id"] for trigger in waiting}
        reading = {"_id": {"$in": sorted(ids)}, "spec.collection_ids": collection_id}
        readers = {row["_id"] for row in self.clusters.table.find(reading, fields=["_id"])}
        for trigger in waiting:
            if trigger["cluster_id"] in readers:
                self.table.swap({"_id": trigger["_id"]}, {"$inc": {"updates": count, "version": 1}})

    def _conditions(self, scope: Scope, request: ListTriggersRequest) -> Mapping[str, str]:
        given: dict[str, str] = {}
        if request.cluster_id is not None:
            given["cluster_id"] = self.clusters.get(scope, request.cluster_id).cluster_id
        if request.trigger_type is not None:
            given["trigger_type"] = request.trigger_type
        if request.status is not None:
            given["status"] = request.status.value
        return given

    def _edit(self, query: Document, trigger_id: str, edit: Edit) -> TriggerRecord:
        return change(
            self.table,
            query,
            decode=TriggerRecord.model_validate,
            encode=_to_update,
            missing=_not_found(trigger_id),
            edit=edit,
        )


def _given(record: TriggerRecord, request: UpdateTriggerRequest) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.schedule_config is not None:
        schedule = schedule_of(record.trigger_type, request.schedule_config)
        changes["schedule_config"] = schedule.model_dump(mode="json")
    if request.description is not None:
        changes["description"] = request.description
    if request.status is not None and request.status != record.status.value:
        changes["status"] = TriggerStatus(request.status)
        changes["consecutive_failures"] = 0
    return changes


def _started(record: TriggerRecord, now: datetime) -> TriggerRecord:
    return _scheduled(record, first_time(record.schedule, now))


def _advanced(record: TriggerRecord, now: datetime) -> TriggerRecord:
    return _scheduled(record, next_time(record.schedule, record.scheduled_for or now, now))


def _scheduled(record: TriggerRecord, moment: datetime) -> TriggerRecord:
    put = put_off(moment, record.schedule, record.trigger_id)
    return record.changed(scheduled_for=moment, next_run_at=put)


def _after_run(
    record: TriggerRecord, run_id: str, *, status: str, error: str | None
) -> TriggerRecord:
    failures = record.consecutive_failures + 1 if status == "failed" else 0
    broken = failures >= MOST_FAILURES and record.status is TriggerStatus.ACTIVE
    return record.changed(
        last_ended_job_id=run_id,
        last_execution_status=status,
        last_execution_error=error,
        consecutive_failures=failures,
        status=TriggerStatus.FAILED if broken else record.status,
    )


def _required(cluster_id: str | None) -> str:
    if cluster_id is None:
        message = "cluster_id is required: store a definition, and name it here"
        raise InvalidDefinition(message)
    return cluster_id


def _to_update(record: TriggerRecord) -> Document:
    return {"$set": {**record.model_dump(mode="json"), "version": record.version + 1}}


def _not_found(trigger_id: str) -> TriggerNotFound:
    message = f"no trigger {trigger_id[:200]!r} here: list them to see those there are"
    return TriggerNotFound(message)


_EXPECTED = [TriggerStatus.ACTIVE.value, TriggerStatus.FAILED.value]
_BY_THE_CLOCK = ["cron", "interval"]


def missed(
    triggers: Triggers, before: datetime, *, cluster_id: str | None = None
) -> list[TriggerRecord]:
    """Those by the clock that nobody has paused, the longest waiting first: of all definitions in
    all namespaces, or of one.
    """
    query = {
        **({} if cluster_id is None else {"cluster_id": cluster_id}),
        "status": {"$in": _EXPECTED},
        "trigger_type": {"$in": _BY_THE_CLOCK},
        "next_run_at": {"$lt": iso(before)},
    }
    rows = triggers.table.find(query, sort=[("next_run_at", 1), ("_id", 1)])
    return [TriggerRecord.model_validate(row) for row in rows]


_FIELDS = (
    "view.run_id",
    "view.created_at",
    "view.status",
    "view.error_message",
    "view.num_clusters",
    "view.num_points",
    "elapsed_ms",
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
