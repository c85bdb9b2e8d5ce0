"""Tells the catalog what waits in Dagster's queue, and takes out of it what is not to run."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import dagster as dg

from clustering_pipeline.defs.instance.tags import (
    NAMESPACE,
    PARTITION,
    PRIORITY,
    RETRY_REASON,
    namespace_tag,
    trigger_of,
)
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.executions.task import QueuedRun
from clustering_pipeline.model.ids import run_id_of, task_id_of
from clustering_pipeline.model.status import TASK_STATUS, ClusterStatus
from clustering_pipeline.stores.catalog import Catalog

AT_ONCE = 200
WAITING = {
    dg.DagsterRunStatus.NOT_STARTED: ClusterStatus.QUEUED,
    dg.DagsterRunStatus.QUEUED: ClusterStatus.QUEUED,
    dg.DagsterRunStatus.STARTING: ClusterStatus.IN_PROGRESS,
}


def show_queue(catalog: Catalog, runs: Iterable[dg.DagsterRun]) -> int:
    """Definitions show that a run of theirs waits, and stop doing so when it is gone.

    What a run has begun says itself.  Returns how many changed.
    """
    waiting = {run.tags[PARTITION]: run for run in runs if run.status in WAITING}
    shown = catalog.automation.with_status(set(WAITING.values()))
    changed = [
        run
        for cluster_id, run in waiting.items()
        if shown.get(cluster_id) is not WAITING[run.status]
    ]
    for run in changed:
        task_id = task_id_of(run.root_run_id or run.run_id)
        status = {"status": WAITING[run.status], "task_id": task_id}
        _show(catalog, run.tags[PARTITION], status)
    left = shown.keys() - {run.tags[PARTITION] for run in runs}
    for cluster_id in left:
        _show(catalog, cluster_id, None)
    return len(changed) + len(left)


def cancel_unwanted(
    catalog: Catalog, instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]
) -> list[str]:
    """Takes runs out of the queue whose definitions were deleted or archived since."""
    queued = [run for run in runs if run.status is dg.DagsterRunStatus.QUEUED]
    in_service = catalog.automation.in_service({run.tags[PARTITION] for run in queued})
    unwanted = [run for run in queued if run.tags[PARTITION] not in in_service]
    for run in unwanted:
        instance.report_run_canceled(run, "Its definition was deleted or archived.")
    return [run.run_id for run in unwanted]


def tag_namespaces(
    catalog: Catalog, instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]
) -> None:
    """Gives runs that somebody started in Dagster the tag that the queue limits namespaces by.

    The oldest first, and not all of a large backfill at once.
    """
    untold = [run for run in reversed(runs) if NAMESPACE not in run.tags]
    for run in untold[:AT_ONCE]:
        with suppress(ClusterNotFound):
            scope = catalog.clusters.by_id(run.tags[PARTITION]).scope
            instance.add_run_tags(run.run_id, {NAMESPACE: namespace_tag(scope)})


def _show(catalog: Catalog, cluster_id: str, status: Mapping[str, object] | None) -> None:
    def edit(record: ClusterRecord) -> Mapping[str, object]:
        if record.claim is not None and record.claim.waits_in is None:
            return {}
        return status or {"status": _last(catalog, record)}

    try:
        catalog.clusters.revise(cluster_id, edit)
    except ClusterNotFound:
        return


def _last(catalog: Catalog, record: ClusterRecord) -> ClusterStatus:
    """How its last attempt ended."""
    attempt = record.state.last_attempt_id
    execution = catalog.executions.find(attempt) if attempt else None
    if execution is None:
        return ClusterStatus.PENDING if attempt is None else ClusterStatus.INTERRUPTED
    return execution.task_status or TASK_STATUS[execution.status]


QUEUED_AT_ONCE = 500


def show_places(catalog: Catalog, unfinished: Sequence[dg.RunRecord]) -> int:
    """Notes those that wait, those of a large backfill over several looks; how many changed."""
    waiting = {
        run_id_of(record.dagster_run.run_id): record
        for record in sorted(unfinished, key=lambda record: record.storage_id)
        if record.dagster_run.status is dg.DagsterRunStatus.QUEUED
    }
    known = catalog.queue.run_ids()
    gone = known - waiting.keys()
    catalog.queue.remove(gone)
    new = [record for run_id, record in waiting.items() if run_id not in known][:QUEUED_AT_ONCE]
    queued = [run for record in new if (run := _queued(catalog, record)) is not None]
    catalog.queue.add(queued)
    return len(gone) + len(queued)


def _queued(catalog: Catalog, record: dg.RunRecord) -> QueuedRun | None:
    run = record.dagster_run
    try:
        scope = catalog.clusters.by_id(run.tags.get(PARTITION, "")).scope
    except ClusterNotFound:
        return None
    trigger, trigger_id = trigger_of(run.tags)
    return QueuedRun(
        run_id=run_id_of(run.run_id),
        dagster_run_id=run.run_id,
        task_id=task_id_of(run.root_run_id or run.run_id),
        cluster_id=run.tags[PARTITION],
        organization_id=scope.organization_id,
        namespace_id=scope.namespace_id,
        trigger=trigger,
        trigger_id=trigger_id,
        retry_reason=run.tags.get(RETRY_REASON),
        priority=_priority(run.tags.get(PRIORITY)),
        number=record.storage_id,
    )


def _priority(tag: str | None) -> int:
    """As the queue reads it: what is no number counts as none."""
    try:
        return int(tag or 0)
    except ValueError:
        return 0
