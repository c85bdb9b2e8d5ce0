"""What the end of a run means for the batches: dealt with, or still due."""

from datetime import datetime

from clustering_pipeline.model.definitions.automation import BATCH, Automation
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import InputRejected
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.status import ExecutionStatus


def begun(automation: Automation, trigger: str, now: datetime) -> Automation:
    """After a run has begun: the cooldown counts from the start of automatic ones."""
    return automation.model_copy(update={"batch_run_at": now}) if trigger == BATCH else automation


def ended(record: ClusterRecord, execution: ExecutionRecord, now: datetime) -> Automation:
    """After a run has ended.

    One that completed, or was refused for what it read, has dealt with the batches that were in
    before it read them.  After any other end they stay due, to be tried again later.
    """
    if _settles(execution) and _read_it_all(record, execution):
        return _settled(record.state.automation, execution)
    if execution.trigger == BATCH and execution.status is not ExecutionStatus.COMPLETED:
        return failed(record.state.automation, now)
    return record.state.automation


def failed(automation: Automation, now: datetime) -> Automation:
    """After one more automatic run came to nothing."""
    changes = {"failures": automation.failures + 1, "failed_at": now}
    return automation.model_copy(update=changes)


def _settles(execution: ExecutionRecord) -> bool:
    if execution.status is ExecutionStatus.COMPLETED:
        return bool(execution.covered_batches)
    # The same documents would be refused again: only new ones are worth another look.
    refused = execution.failure_category == InputRejected.category
    return refused and bool(execution.covered_batches)


def _read_it_all(record: ClusterRecord, execution: ExecutionRecord) -> bool:
    """Whether the run read what the definition selects, not an override of it."""
    spec = execution.spec
    return spec is None or (spec.mode == "full" and spec.filters == record.spec.filters)


def _settled(automation: Automation, execution: ExecutionRecord) -> Automation:
    settled = dict(automation.settled)
    for collection, number in execution.covered_batches.items():
        settled[collection] = max(number, settled.get(collection, 0))
    changes = {"settled": settled, "failures": 0, "failed_at": None}
    return automation.model_copy(update=changes)
