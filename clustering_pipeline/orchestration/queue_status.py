"""Tells the catalog what waits in Dagster's queue, and takes out of it what is not to run."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import dagster as dg

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.ids import task_id_of
from clustering_pipeline.model.status import TASK_STATUS, ClusterStatus
from clustering_pipeline.orchestration.tags import NAMESPACE, PARTITION, namespace_tag
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
    wanted = {one.tags[PARTITION]: one for one in runs if one.status in WAITING}
    shown = catalog.automation.with_status(set(WAITING.values()))
    changed = [
        run
        for cluster_id, run in wanted.items()
        if shown.get(cluster_id) is not WAITING[run.status]
    ]
    for run in changed:
        task_id = task_id_of(run.root_run_id or run.run_id)
        told = {"status": WAITING[run.status], "task_id": task_id}
        _show(catalog, run.tags[PARTITION], told)
    left = shown.keys() - {one.tags[PARTITION] for one in runs}
    for cluster_id in left:
        _show(catalog, cluster_id, None)
    return len(changed) + len(left)


def cancel_unwanted(
    catalog: Catalog, instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]
) -> list[str]:
    """Takes runs out of the queue whose definitions were deleted or archived since."""
    queued = [one for one in runs if one.status is dg.DagsterRunStatus.QUEUED]
    there = catalog.automation.in_service({one.tags[PARTITION] for one in queued})
    unwanted = [one for one in queued if one.tags[PARTITION] not in there]
    for run in unwanted:
        instance.report_run_canceled(run, "Its definition was deleted or archived.")
    return [one.run_id for one in unwanted]


def tag_namespaces(
    catalog: Catalog, instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]
) -> None:
    """Gives runs that somebody started in Dagster the tag that the queue limits namespaces by.

    The oldest first, and not all of a large backfill at once.
    """
    untold = [one for one in reversed(runs) if NAMESPACE not in one.tags]
    for run in untold[:AT_ONCE]:
        with suppress(ClusterNotFound):
            scope = catalog.clusters.by_id(run.tags[PARTITION]).scope
            instance.add_run_tags(run.run_id, {NAMESPACE: namespace_tag(scope)})


def _show(catalog: Catalog, cluster_id: str, told: Mapping[str, object] | None) -> None:
    def edit(record: ClusterRecord) -> Mapping[str, object]:
        if record.claim is not None:
            return {}
        return told or {"status": _last(catalog, record)}

    try:
        catalog.clusters.revise(cluster_id, edit)
    except ClusterNotFound:
        return


def _last(catalog: Catalog, record: ClusterRecord) -> ClusterStatus:
    """How its last attempt ended."""
    attempt = record.state.last_attempt_id
    found = catalog.executions.find(attempt) if attempt else None
    if found is None:
        return ClusterStatus.PENDING if attempt is None else ClusterStatus.INTERRUPTED
    return found.task_status or TASK_STATUS[found.status]
