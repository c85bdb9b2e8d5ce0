"""All sensors; those that keep Dagster's partitions, the catalog's records and whoever listens
informed of what is stored and what ran.
"""

import dagster as dg

from clustering_pipeline.automation.webhooks import deliver
from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.launcher import end_of
from clustering_pipeline.defs.instance.queue import (
    cancel_unwanted,
    show_places,
    show_queue,
    tag_namespaces,
)
from clustering_pipeline.defs.instance.queue_launcher import run_again
from clustering_pipeline.defs.instance.right_size import size_queued
from clustering_pipeline.defs.instance.runs import unfinished_records
from clustering_pipeline.defs.instance.tags import ASSIGN, COMPOSE, EXECUTE
from clustering_pipeline.defs.sensors.batches import batches_sensor
from clustering_pipeline.defs.sensors.lost_runs import free_lost
from clustering_pipeline.defs.sensors.overdue import watch_overdue
from clustering_pipeline.defs.sensors.triggers import triggers_sensor
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.finish import record_end

STARTED = {EXECUTE, ASSIGN, COMPOSE}
ENDS = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def build_sensors(jobs: dg.Definitions) -> list[dg.SensorDefinition]:
    """All sensors, running by default; those that start runs start one of ``jobs``."""
    started = [job for job in jobs.jobs or () if job.name in STARTED]
    return [
        sync_partitions,
        batches_sensor(started),
        triggers_sensor(started),
        follow_runs,
        notify_webhooks,
        watch_overdue,
        *map(_record, ENDS),
    ]


@dg.sensor(minimum_interval_seconds=15, default_status=dg.DefaultSensorStatus.RUNNING)
def sync_partitions(
    context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
) -> dg.SkipReason:
    """Keeps the partition keys equal to the ids of the stored definitions."""
    added, removed = partitions.sync(context.instance, clustering.catalog.clusters.ids)
    if not added and not removed:
        return dg.SkipReason("the partitions are current")
    return dg.SkipReason(f"{len(added)} partitions added, {len(removed)} removed")


@dg.sensor(minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def follow_runs(
    context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
) -> dg.SkipReason:
    """Tells the catalog what is queued, and ends runs that are lost or no longer wanted."""
    catalog, instance = clustering.catalog, context.instance
    lost = free_lost(catalog, instance)
    records = unfinished_records(instance)
    runs = [record.dagster_run for record in records]
    unwanted = cancel_unwanted(catalog, instance, runs)
    tag_namespaces(catalog, instance, runs)
    size_queued(clustering, instance, runs)
    live = [record for record in records if record.dagster_run.run_id not in unwanted]
    show_places(catalog, live)
    changed = show_queue(catalog, [record.dagster_run for record in live])
    return dg.SkipReason(
        f"{len(runs)} runs queued or under way, {changed} changes told, {len(lost)} lost and "
        f"{len(unwanted)} unwanted ones ended"
    )


def _record(status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    """Closes executions whose run ended without saying so, as a killed process does."""

    @dg.run_status_sensor(
        name=f"record_{status.value.lower()}",
        run_status=status,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def record(context: dg.RunStatusSensorContext, clustering: dg.ResourceParam[Pipeline]) -> None:
        run = context.dagster_run
        end = end_of(context.instance, run)
        for run_id in clustering.catalog.executions.of_run(run_id_of(run.run_id)):
            record_end(clustering.catalog, run_id, end)
        if status is dg.DagsterRunStatus.FAILURE:
            run_again(context.instance, run)

    return record


@dg.sensor(minimum_interval_seconds=10, default_status=dg.DefaultSensorStatus.RUNNING)
def notify_webhooks(clustering: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Puts what runs have to tell into the outbox, and delivers what is due there."""
    made = clustering.catalog.outbox.announce()
    delivered = deliver(clustering)
    return dg.SkipReason(
        f"{made} messages made, {delivered.taken} delivered, {delivered.failed} attempts failed"
    )
