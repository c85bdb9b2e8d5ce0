"""For teams whose ingestion is a Dagster asset: each materialization completes a batch."""

import hashlib
from collections.abc import Sequence

import dagster as dg

from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.orchestration.pipeline import Pipeline


def batch_after(
    asset: dg.AssetKey | str,
    collections: Sequence[str],
    *,
    scope: Scope = LOCAL,
    name: str | None = None,
) -> dg.SensorDefinition:
    """A sensor that completes a batch of ``collections`` whenever ``asset`` is materialized.

    Each materialization counts once, whatever restarts in between: the batch is named after it.
    Load it into a location that has the pipeline's resource, ``clustering``.
    """
    key = dg.AssetKey.from_coercible(asset)

    @dg.asset_sensor(
        asset_key=key,
        name=name or f"batch_after_{key.to_python_identifier()}",
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def complete(
        context: dg.SensorEvaluationContext,  # noqa: ARG001 - Dagster names it
        asset_event: dg.EventLogEntry,
        clustering: dg.ResourceParam[Pipeline],
    ) -> dg.SkipReason:
        batch_id = batch_of(asset_event)
        batches = clustering.catalog.batches
        batches.open(scope, collections, batch_id=batch_id)
        batches.complete(scope, batch_id)
        return dg.SkipReason(f"completed {batch_id} of {', '.join(collections)}")

    return complete


def batch_of(event: dg.EventLogEntry) -> str:
    """The id of the batch that a materialization is."""
    told = event.dagster_event
    step = (told.step_key or "", told.partition or "") if told is not None else ()
    said = "/".join((event.run_id, *step, repr(event.timestamp)))
    return f"batch_{hashlib.sha256(said.encode()).hexdigest()[:24]}"
