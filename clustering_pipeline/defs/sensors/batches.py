"""Runs definitions whose collections have new batches."""

from collections.abc import Sequence
from functools import partial

import dagster as dg

from clustering_pipeline.automation.batches import Request, Tick, apart, look, without
from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.internals import ExecutableDefinition
from clustering_pipeline.defs.instance.right_size import with_size
from clustering_pipeline.defs.instance.runs import by_key, in_flight
from clustering_pipeline.defs.instance.tags import JOBS, tags_of, tags_of_mode
from clustering_pipeline.defs.sensors.lost_runs import count_lost
from clustering_pipeline.model.definitions.automation import BATCH
from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.pipeline import Pipeline


def batches_sensor(jobs: Sequence[ExecutableDefinition]) -> dg.SensorDefinition:
    """The sensor that starts one of ``jobs`` for the definitions that are due since a batch."""

    @dg.sensor(
        jobs=jobs,
        # The daemon looks around every 5 s.  Were that asked for, a look that came a moment early
        # would be left out, and the next be 10 s after the last.
        minimum_interval_seconds=3,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def run_after_batches(
        context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
    ) -> dg.SensorResult | dg.SkipReason:
        """Runs the definitions that are due since a batch completed; says what holds the others."""
        fresh = _fresh(clustering, context.instance, _look(clustering, context.instance))
        if not fresh.requests:
            return dg.SkipReason(fresh.summary)
        context.log.info(fresh.summary)
        requests = [_run_request(clustering, request) for request in fresh.requests]
        partitions.add(context.instance, [str(request.partition_key) for request in requests])
        return dg.SensorResult(run_requests=requests)

    return run_after_batches


def _look(clustering: Pipeline, instance: dg.DagsterInstance) -> Tick:
    return look(
        clustering.catalog,
        Counter(pipeline=clustering),
        lambda: in_flight(instance),
        partial(_apart, clustering),
        utc_now(),
    )


def _apart(clustering: Pipeline, cluster_id: str) -> str | None:
    try:
        return apart(clustering, clustering.catalog.clusters.by_id(cluster_id))
    except ClusterNotFound:
        # It went since the look began, and its run will say so.
        return None


def _fresh(clustering: Pipeline, instance: dg.DagsterInstance, tick: Tick) -> Tick:
    """Without the runs there are: one that ended before it began is told to the catalog."""
    runs = by_key(instance, [request.run_key for request in tick.requests])
    for request in tick.requests:
        run = runs.get(request.run_key)
        if run is not None and run.is_finished:
            count_lost(clustering.catalog, request.definition.cluster_id, run)
    return without(tick, {key: run.run_id for key, run in runs.items()})


def _run_request(clustering: Pipeline, request: Request) -> dg.RunRequest:
    definition = request.definition
    tags = tags_of(BATCH, definition.scope) | tags_of_mode(request.mode, request.because)
    return dg.RunRequest(
        run_key=request.run_key,
        partition_key=definition.cluster_id,
        job_name=JOBS[request.mode],
        tags=with_size(clustering, definition.cluster_id, tags),
    )
