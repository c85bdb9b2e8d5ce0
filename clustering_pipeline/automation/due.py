"""Whether a completed batch makes a definition due, or why not; what a run's end means for it.

Level-triggered: what is due follows from what was completed and what was settled, so that a look
more or less, or a restart between two looks, changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from clustering_pipeline.model.definitions.automation import BATCH, AutomaticDefinition, Automation
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import InputRejected
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.status import ExecutionStatus

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a definition stands; it is due when batches are behind and nothing holds it back."""

    behind: Mapping[str, int]
    in_flight: str | None = None
    cooldown_left: float = 0.0
    retry_left: float = 0.0
    documents: int | None = None
    documents_missing: int = 0
    archived: bool = False
    phase_before: str | None = None
    """A definition of an earlier phase that goes first."""

    @property
    def due(self) -> bool:
        """Whether it is to run now."""
        return bool(self.behind) and not self.reasons

    @property
    def reasons(self) -> list[str]:
        """What it waits for, in sentences."""
        return [text for text, holds in self._possible() if holds]

    def _possible(self) -> tuple[tuple[str, bool], ...]:
        failed = f"it failed and is tried again in {self.retry_left:.0f} s"
        missing = f"{self.documents_missing} documents are missing to the threshold"
        return (
            ("it is archived", self.archived),
            ("no batch has completed since the last run", not self.behind),
            (f"{self.in_flight} is under way", self.in_flight is not None),
            (f"the cooldown has {self.cooldown_left:.0f} s left", self.cooldown_left > 0),
            (failed, self.retry_left > 0),
            (missing, self.documents_missing > 0),
            (f"{self.phase_before!r} goes first", self.phase_before is not None),
        )


def behind(definition: AutomaticDefinition, completed: Mapping[str, int]) -> dict[str, int]:
    """Collection to how many of its completed batches no run has dealt with; only those with any.

    ``completed`` are the collections of the definition's own namespace.
    """
    settled = definition.settled
    return {
        collection_id: lag
        for collection_id in definition.collection_ids
        if (lag := completed.get(collection_id, 0) - settled.get(collection_id, 0)) > 0
    }


def judge(
    definition: AutomaticDefinition,
    lag: Mapping[str, int],
    now: datetime,
    *,
    in_flight: str | None = None,
    documents: int | None = None,
) -> Standing:
    """Where the definition stands; ``documents`` are those of all its collections, if counted."""
    threshold = definition.min_documents
    missing = 0 if threshold is None or documents is None else max(0, threshold - documents)
    return Standing(
        behind=lag,
        in_flight=in_flight or definition.holder,
        cooldown_left=cooldown_left(definition, now),
        retry_left=retry_left(definition, now),
        documents=documents,
        documents_missing=missing,
        archived=definition.archived,
    )


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
