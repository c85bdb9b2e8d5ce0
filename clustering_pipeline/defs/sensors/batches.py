"""Runs definitions whose collections have new batches."""

import dagster as dg

from clustering_pipeline.automation.batches import Request, Tick, look, without
from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.right_size import with_size
from clustering_pipeline.defs.instance.runs import by_key, in_flight
from clustering_pipeline.defs.instance.tags import EXECUTE, tags_of
from clustering_pipeline.defs.sensors.lost_runs import count_lost
from clustering_pipeline.model.definitions.automation import BATCH
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.pipeline import Pipeline


@dg.sensor(
    job_name=EXECUTE,
    # The daemon looks around every 5 s.  Were that asked for, a look that came a moment early
    # would be left out, and the next be 10 s after the last.
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_after_batches(
    context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
) -> dg.SensorResult | dg.SkipReason:
    """Runs the definitions that are due since a batch completed; says what holds the others."""
    instance = context.instance
    tick = look(
        clustering.catalog, Counter(pipeline=clustering), lambda: in_flight(instance), utc_now()
    )
    fresh = _fresh(clustering, instance, tick)
    if not fresh.requests:
        return dg.SkipReason(fresh.summary)
    context.log.info(fresh.summary)
    partitions.add(instance, [request.definition.cluster_id for request in fresh.requests])
    return dg.SensorResult(
        run_requests=[_run_request(clustering, request) for request in fresh.requests]
    )


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
    return dg.RunRequest(
        run_key=request.run_key,
        partition_key=definition.cluster_id,
        tags=with_size(clustering, definition.cluster_id, tags_of(BATCH, definition.scope)),
    )
