"""Runs that are gone: their definitions are set free, so that they can run again."""

import dagster as dg

from clustering_pipeline.automation.due import failed
from clustering_pipeline.defs.instance.launcher import end_of
from clustering_pipeline.defs.instance.queue_launcher import DELETED, queue_of
from clustering_pipeline.defs.instance.tags import trigger_of
from clustering_pipeline.model.definitions.automation import BATCH
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.process import is_alive
from clustering_pipeline.service.executions.finish import interrupt, record_end
from clustering_pipeline.stores.catalog import Catalog

GONE = "its machine or its process is gone"
ENDED = "Dagster says that it has ended"


def count_lost(catalog: Catalog, cluster_id: str, run: dg.DagsterRun) -> None:
    """Counts an automatic run that ended before it began as an attempt that failed.

    The catalog heard nothing of it; the next attempt has to differ from it.
    """
    run_id, now = run_id_of(run.run_id), utc_now()

    def edit(record: ClusterRecord) -> dict[str, object]:
        if record.state.last_attempt_id == run_id:
            return {}
        automation = record.state.automation
        automatic = trigger_of(run.tags)[0] == BATCH
        return {
            "last_attempt_id": run_id,
            "automation": failed(automation, now) if automatic else automation,
        }

    catalog.clusters.revise(cluster_id, edit)


def free_lost(catalog: Catalog, instance: dg.DagsterInstance) -> list[str]:
    """Ends the runs that are gone, in the catalog and in Dagster; which they were.

    A run is gone with its process, if it has one for itself; else when Dagster has no run of it
    any more, or it has not been heard of for long.
    """
    lost: list[str] = []
    for record in catalog.automation.held():
        reason = _why_gone(catalog, instance, record)
        if reason is not None and record.claim is not None:
            _free(catalog, instance, record.claim.run_id, record, reason)
            lost.append(record.claim.run_id)
    return lost


def _why_gone(catalog: Catalog, instance: dg.DagsterInstance, record: ClusterRecord) -> str | None:
    claim = record.claim
    if claim is None or (claim.pid is not None and claim.waits_in is None and is_alive(claim)):
        return None
    run = instance.get_run_by_id(dagster_run_id_of(claim.run_id))
    if run is not None and run.is_finished:
        record_end(catalog, claim.run_id, end_of(instance, run))
        return ENDED
    if claim.waits_in is not None:
        return DELETED if run is None and claim.waits_in == queue_of(instance) else None
    if is_alive(claim):
        return None
    if run is not None and run.status is dg.DagsterRunStatus.QUEUED:
        # Whoever queued it died before saying so.
        catalog.automation.wait(record.cluster_id, claim, queue=queue_of(instance))
        return None
    return GONE


def _free(
    catalog: Catalog, instance: dg.DagsterInstance, run_id: str, record: ClusterRecord, reason: str
) -> None:
    now = utc_now()
    interrupt(catalog, run_id, reason=reason)
    # A process that died between its claim and its execution left nothing else to end.
    catalog.clusters.finish(
        record.cluster_id,
        run_id,
        lambda cluster: {
            "status": ClusterStatus.INTERRUPTED,
            "last_attempt_id": run_id,
            "automation": failed(cluster.state.automation, now),
        },
    )
    run = instance.get_run_by_id(dagster_run_id_of(run_id))
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, f"The run has ended: {reason}.")


def dagster_run_id_of(run_id: str) -> str:
    """The Dagster run of an execution."""
    digits = run_id.removeprefix("run_")
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32])
    return "-".join(parts)
