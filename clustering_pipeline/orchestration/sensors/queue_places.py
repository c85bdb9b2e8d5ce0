"""Tells the catalog which runs wait and in which order, so that their tasks can be followed."""

from collections.abc import Sequence

import dagster as dg

from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.executions.task import QueuedRun
from clustering_pipeline.model.ids import run_id_of, task_id_of
from clustering_pipeline.orchestration.tags import PARTITION, PRIORITY, trigger_of
from clustering_pipeline.stores.catalog import Catalog

AT_ONCE = 500


def show_places(catalog: Catalog, unfinished: Sequence[dg.RunRecord]) -> int:
    """Notes those that wait, those of a large backfill over several looks; how many changed."""
    waiting = {
        run_id_of(one.dagster_run.run_id): one
        for one in sorted(unfinished, key=lambda one: one.storage_id)
        if one.dagster_run.status is dg.DagsterRunStatus.QUEUED
    }
    known = catalog.queue.run_ids()
    gone = known - waiting.keys()
    catalog.queue.remove(gone)
    new = [one for run_id, one in waiting.items() if run_id not in known][:AT_ONCE]
    found = [run for one in new if (run := _queued(catalog, one)) is not None]
    catalog.queue.add(found)
    return len(gone) + len(found)


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
        priority=_priority(run.tags.get(PRIORITY)),
        number=record.storage_id,
    )


def _priority(tag: str | None) -> int:
    """As the queue reads it: what is no number counts as none."""
    try:
        return int(tag or 0)
    except ValueError:
        return 0
