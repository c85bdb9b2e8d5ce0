"""For teams whose ingestion is a Dagster asset: each materialization completes a batch."""

import hashlib
from collections.abc import Sequence

import dagster as dg

from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline

AT_ONCE = 100


def batch_after(
    asset: dg.AssetKey | str,
    collections: Sequence[str],
    *,
    scope: Scope = LOCAL,
    name: str | None = None,
) -> dg.SensorDefinition:
    """A sensor that completes a batch of ``collections`` whenever ``asset`` is materialized.

    Each materialization counts once, whatever restarts in between: the batch is named after it.
    Of those from before the sensor's first look, the latest counts.  Load it into a location that
    has the pipeline's resource, ``clustering``.
    """
    key = dg.AssetKey.from_coercible(asset)

    # Of several materializations between two looks, Dagster's own asset sensor sees the last only.
    @dg.sensor(
        name=name or f"batch_after_{key.to_python_identifier()}",
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def complete(
        context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
    ) -> dg.SkipReason:
        batches, landed = clustering.catalog.batches, _landed(context, key)
        for record in landed:
            batch_id = batch_of(record.event_log_entry)
            batches.open(scope, collections, batch_id=batch_id)
            batches.complete(scope, batch_id)
        context.update_cursor(str(landed[-1].storage_id) if landed else context.cursor or "0")
        return dg.SkipReason(f"completed {len(landed)} batches of {', '.join(collections)}")

    return complete


def _landed(context: dg.SensorEvaluationContext, key: dg.AssetKey) -> Sequence[dg.EventLogRecord]:
    """The materializations since the last look, the oldest first."""
    since = None if context.cursor is None else int(context.cursor)
    result = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, after_storage_id=since),
        limit=1 if since is None else AT_ONCE,
        ascending=since is not None,
    )
    return result.records


def batch_of(event: dg.EventLogEntry) -> str:
    """The id of the batch that a materialization is."""
    details = event.dagster_event
    step = (details.step_key or "", details.partition or "") if details is not None else ()
    said = "/".join((event.run_id, *step, repr(event.timestamp)))
    return f"batch_{hashlib.sha256(said.encode()).hexdigest()[:24]}"
