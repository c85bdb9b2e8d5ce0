"""Triggers whose time has passed without a run of theirs."""

from datetime import datetime

from clustering_pipeline.model.automation.triggers import TriggerRecord, TriggerStatus
from clustering_pipeline.model.times import iso
from clustering_pipeline.stores.catalog.triggers import Triggers

_EXPECTED = [TriggerStatus.ACTIVE.value, TriggerStatus.FAILED.value]
_BY_THE_CLOCK = ["cron", "interval"]


def missed(
    triggers: Triggers, before: datetime, *, cluster_id: str | None = None
) -> list[TriggerRecord]:
    """Those by the clock that nobody has paused, the longest waiting first: of all definitions in
    all namespaces, or of one.
    """
    query = {
        **({} if cluster_id is None else {"cluster_id": cluster_id}),
        "status": {"$in": _EXPECTED},
        "trigger_type": {"$in": _BY_THE_CLOCK},
        "next_run_at": {"$lt": iso(before)},
    }
    found = triggers.table.find(query, sort=[("next_run_at", 1), ("_id", 1)])
    return [TriggerRecord.model_validate(one) for one in found]
