"""How long an automatic run has to wait for the one before it."""

from datetime import datetime

from clustering_pipeline.model.definitions.automation import AutomaticDefinition

FIRST_RETRY_SECONDS = 60.0
LAST_RETRY_SECONDS = 3600.0
_LAST_DOUBLING = 6


def cooldown_left(definition: AutomaticDefinition, now: datetime) -> float:
    """Seconds until the cooldown, counted from the start of the last automatic run, is over."""
    return _left(definition.batch_run_at, float(definition.cooldown_seconds), now)


def retry_left(definition: AutomaticDefinition, now: datetime) -> float:
    """Seconds until a definition that failed is tried again: twice as many at each failure."""
    if definition.failures == 0:
        return 0.0
    # Beyond that many doublings the limit holds anyway, and the number stays a small one.
    doublings = min(definition.failures, _LAST_DOUBLING)
    wait = min(FIRST_RETRY_SECONDS * 2**doublings, LAST_RETRY_SECONDS)
    return _left(definition.failed_at, wait, now)


def _left(since: datetime | None, seconds: float, now: datetime) -> float:
    if since is None:
        return 0.0
    return max(0.0, seconds - (now - since).total_seconds())
