"""Runs that are gone: their definitions are set free, so that they can run again."""

import dagster as dg

from clustering_pipeline.automation.due import failed
from clustering_pipeline.defs.instance.tags import trigger_of
from clustering_pipeline.model.definitions.automation import BATCH
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.process import holder_of
from clustering_pipeline.service.executions.finish import interrupt
from clustering_pipeline.stores.catalog import Catalog

GONE = "its machine or its process is gone"


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
    """Ends the runs whose process is gone, in the catalog and in Dagster; which they were."""
    lost = [record for record in catalog.automation.held() if holder_of(record) is None]
    for record in lost:
        _free(catalog, instance, record)
    return [record.claim.run_id for record in lost if record.claim]


def _free(catalog: Catalog, instance: dg.DagsterInstance, record: ClusterRecord) -> None:
    if record.claim is None:
        return
    run_id, now = record.claim.run_id, utc_now()
    interrupt(catalog, run_id, reason=GONE)
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
        instance.report_run_failed(run, f"The run has ended: {GONE}.")


def dagster_run_id_of(run_id: str) -> str:
    """The Dagster run of an execution."""
    digits = run_id.removeprefix("run_")
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts)
