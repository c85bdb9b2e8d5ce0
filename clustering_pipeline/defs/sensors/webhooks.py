"""Tells webhooks what runs did."""

import dagster as dg

from clustering_pipeline.automation.webhooks import deliver
from clustering_pipeline.pipeline.run.pipeline import Pipeline


@dg.sensor(minimum_interval_seconds=10, default_status=dg.DefaultSensorStatus.RUNNING)
def notify_webhooks(clustering: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Puts what runs have to tell into the outbox, and delivers what is due there."""
    made = clustering.catalog.outbox.announce()
    found = deliver(clustering)
    return dg.SkipReason(
        f"{made} messages made, {found.taken} delivered, {found.failed} attempts failed"
    )
