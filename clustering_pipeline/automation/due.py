"""Whether a completed batch makes a definition due, or why not; what a run's end means for it.

Level-triggered: what is due follows from what was completed and what was settled, so that a look
more or less, or a restart between two looks, changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from clustering_pipeline.model.automation.schedules import YEAR_SECONDS
from clustering_pipeline.model.definitions.automation import (
    BATCH,
    Assigned,
    AutomaticDefinition,
    Automation,
)
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.definitions.execute import RENAME
from clustering_pipeline.model.definitions.spec import ASSIGN
from clustering_pipeline.model.errors import InputRejected
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.status import ExecutionStatus

FIRST_RETRY_SECONDS = 60.0
LAST_RETRY_SECONDS = 3600.0
_LAST_DOUBLING = 6
CENTURY_SECONDS = 100 * YEAR_SECONDS
LEAST_FOR_DRIFT = 50
"""Documents from which on their mean cosine tells of more than chance."""
UNPUBLISHED = "nothing is published yet that documents could join"
_NAMING = ("relabel", RENAME)
RunMode = Literal["full", "assign", "composite"]


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
    now: datetime
    mode: RunMode = "full"
    """What the next run does."""
    because: Sequence[str] = ()
    """What asks for a full run where batches are assigned otherwise, in sentences."""
    in_flight: str | None = None
    cooldown_left: float = 0.0
    retry_left: float = 0.0
    documents: int | None = None
    documents_missing: int = 0
    archived: bool = False
    phase_before: str | None = None
    """A definition of an earlier phase that goes first."""
    sources_wait: str | None = None
    """What of its sources a composite definition waits for."""

    @property
    def due(self) -> bool:
        """Whether it is to run now."""
        return not self.reasons

    @property
    def reasons(self) -> list[str]:
        """What it waits for, in sentences."""
        return [text for text, holds in self._possible() if holds]

    @property
    def waits(self) -> list[str]:
        """The same, with why a full run that a threshold asks for waits while batches go on."""
        waits = self.mode == "assign" and self.because and self.cooldown_left > 0
        return [*self.reasons, *([f"a full run waits: {self._cooling}"] if waits else [])]

    def _possible(self) -> tuple[tuple[str, bool], ...]:
        failed = f"it failed and is tried again in {self._wait(self.retry_left)}"
        cools = self.mode != "assign" and self.cooldown_left > 0
        composite = self.mode == COMPOSITE
        happened = "source has published" if composite else "batch has completed"
        missing = f"{self.documents_missing} documents are missing to the threshold"
        return (
            ("it is archived", self.archived),
            (f"no {happened} since the last run", not (self.behind or self.because)),
            (str(self.sources_wait), self.sources_wait is not None),
            (f"{self.in_flight} is under way", self.in_flight is not None),
            (self._cooling, cools),
            (failed, self.retry_left > 0),
            (missing, self.documents_missing > 0),
            (f"{self.phase_before!r} goes first", self.phase_before is not None),
        )

    @property
    def _cooling(self) -> str:
        return f"the cooldown has {self._wait(self.cooldown_left, 'left, until')}"

    def _wait(self, seconds: float, to: str = "at") -> str:
        # What is beyond a century is for ever, and may end in no year there is.
        end = self.now + timedelta(seconds=min(seconds, CENTURY_SECONDS))
        return f"{seconds:.0f} s {to} {end:%Y-%m-%d %H:%M:%S} UTC"


def behind(definition: AutomaticDefinition, completed: Mapping[str, int]) -> dict[str, int]:
    """Collection to how many of its completed batches no run has dealt with; only those with any.

    ``completed`` are the collections of the definition's own namespace.  A composite one reads what
    its sources have read.
    """
    settled = definition.settled
    if definition.source_ids:
        return {}
    return {
        collection_id: lag
        for collection_id in definition.collection_ids
        if (lag := completed.get(collection_id, 0) - settled.get(collection_id, 0)) > 0
    }


def thresholds_passed(definition: AutomaticDefinition, now: datetime) -> list[str]:
    """What asks for a full run in mode ``auto``, in sentences.

    What is known of a run that is not published any more counts no longer.
    """
    seen, limits = definition.assigned, definition.thresholds
    if definition.mode != "auto" or seen is None or seen.run_id != definition.published:
        return []
    share = seen.novelty_pool / max(seen.documents, 1)
    since = definition.full_run_at
    age = 0.0 if since is None else (now - since).total_seconds()
    fell = f"the mean cosine of {seen.new} new documents to their groups fell by {seen.drift:.3f}"
    pool = f"the novelty pool holds {share:.1%} of the documents, above"
    drifted = seen.new >= LEAST_FOR_DRIFT and seen.drift > limits.drift
    aged = seen.changes > 0 and age > limits.age_seconds
    possible = (
        (f"{pool} {limits.novelty_share:.1%}", share > limits.novelty_share),
        (f"{fell}, above {limits.drift:.3f}", drifted),
        (f"the last full run is older than {limits.age_seconds} s", aged),
    )
    return [text for text, holds in possible if holds]


def judge(
    definition: AutomaticDefinition,
    lag: Mapping[str, int],
    now: datetime,
    *,
    in_flight: str | None = None,
    documents: int | None = None,
    apart: str | None = None,
    sources_wait: str | None = None,
) -> Standing:
    """Where the definition stands; ``documents`` are those of all its collections, if counted.

    ``apart`` is why its documents can join no published group, where somebody has looked, and
    ``sources_wait`` what of its sources a composite one waits for.
    """
    threshold = definition.min_documents
    missing = 0 if threshold is None or documents is None else max(0, threshold - documents)
    mode, because = _next_run(definition, lag, now, apart)
    # A full run that fails keeps nobody from assigning.
    waits = mode != "assign" or not definition.failed_in_full
    return Standing(
        behind=lag,
        now=now,
        mode=mode,
        because=because,
        in_flight=in_flight or definition.holder,
        cooldown_left=cooldown_left(definition, now),
        retry_left=retry_left(definition, now) if waits else 0.0,
        documents=documents,
        documents_missing=missing,
        archived=definition.archived,
        sources_wait=sources_wait,
    )


def _next_run(
    definition: AutomaticDefinition, lag: Mapping[str, int], now: datetime, apart: str | None
) -> tuple[RunMode, Sequence[str]]:
    """What the next run does, and what asks for a full one.

    One that only a threshold asks for lets batches be assigned while it has to wait.
    """
    if definition.mode == "full" or definition.source_ids:
        return COMPOSITE if definition.source_ids else "full", ()
    first = UNPUBLISHED if definition.published is None else apart
    if first is not None:
        return "full", (first,) if lag else ()
    because = thresholds_passed(definition, now)
    held = cooldown_left(definition, now) > 0 or retry_left(definition, now) > 0
    return "assign" if not because or (held and lag) else "full", because


def begun(automation: Automation, trigger: str, now: datetime, *, mode: str) -> Automation:
    """After a run has begun: the cooldown counts from the start of automatic ones that do more than
    assign.
    """
    counts = trigger == BATCH and mode != ASSIGN
    return automation.model_copy(update={"batch_run_at": now}) if counts else automation


def ended(record: ClusterRecord, execution: ExecutionRecord, now: datetime) -> Automation:
    """After a run has ended.

    One that completed, or was refused for what it read, has dealt with the batches that were in
    before it read them.  After any other end they stay due, to be tried again later.
    """
    automation = _learned(record, execution, now)
    if _settles(execution) and _read_it_all(record, execution):
        return _settled(automation, execution)
    if execution.trigger == BATCH and execution.status is not ExecutionStatus.COMPLETED:
        return failed(automation, now, in_full=_mode(execution) == "full")
    return automation


def failed(automation: Automation, now: datetime, *, in_full: bool = False) -> Automation:
    """After one more automatic run came to nothing."""
    changes = {"failures": automation.failures + 1, "failed_at": now, "failed_in_full": in_full}
    return automation.model_copy(update=changes)


def _mode(execution: ExecutionRecord) -> str:
    return execution.spec.mode if execution.spec else "full"


def _settles(execution: ExecutionRecord) -> bool:
    read = bool(execution.covered_batches or execution.source_execution_ids)
    if execution.status is ExecutionStatus.COMPLETED:
        return read
    # The same documents would be refused again: only new ones are worth another look.
    return read and execution.failure_category == InputRejected.category


def _read_it_all(record: ClusterRecord, execution: ExecutionRecord) -> bool:
    """Whether the run did what a batch asks for, over what the definition selects."""
    spec = execution.spec
    if spec is None:
        return True
    modes = {"full"} if record.spec.auto_execute_mode == "full" else {"full", ASSIGN}
    asked = {COMPOSITE} if record.spec.source_cluster_ids else modes
    return spec.mode in asked and spec.filters == record.spec.filters


def _settled(automation: Automation, execution: ExecutionRecord) -> Automation:
    settled = dict(automation.settled)
    for collection, number in execution.covered_batches.items():
        settled[collection] = max(number, settled.get(collection, 0))
    changes: dict[str, object] = {"settled": settled}
    if execution.source_execution_ids:
        changes["grouped"] = list(execution.source_execution_ids)
    if _mode(execution) != ASSIGN or not automation.failed_in_full:
        changes |= {"failures": 0, "failed_at": None, "failed_in_full": False}
    return automation.model_copy(update=changes)


def _learned(record: ClusterRecord, execution: ExecutionRecord, now: datetime) -> Automation:
    """What the run says of when the next full one is to come."""
    automation, spec = record.state.automation, execution.spec
    if spec is None or execution.status is not ExecutionStatus.COMPLETED:
        return automation
    if spec.mode == COMPOSITE:
        return automation
    published = record.state.last_run_id == execution.run_id
    if execution.plan in _NAMING or spec.joins:
        return _assigned(automation, execution, now) if published else automation
    changes = {"full_run_at": now, "full_of": spec.definition.grouping, "assigned": None}
    return automation.model_copy(update=changes)


def _assigned(automation: Automation, execution: ExecutionRecord, now: datetime) -> Automation:
    before = automation.assigned
    if execution.plan in _NAMING:
        same = before and before.model_copy(update={"run_id": execution.run_id})
        return automation.model_copy(update={"assigned": same})
    measured = execution.metrics.additional_properties if execution.metrics else {}

    def number(name: str) -> float:
        return float(measured.get(name) or 0.0)

    new = int(number("new_documents") + number("changed_documents"))
    every = new + (before.new if before else 0)
    fell = new * number("drift") + (before.new * before.drift if before else 0.0)
    assigned = Assigned(
        run_id=execution.run_id,
        documents=execution.num_points or 0,
        novelty_pool=int(number("novelty_pool")),
        new=every,
        changes=(before.changes if before else 0) + new + int(number("removed_documents")),
        drift=fell / every if every else 0.0,
    )
    # Of a full run from before this was kept, the age counts from the first run that assigned.
    since = automation.full_run_at or now
    return automation.model_copy(update={"assigned": assigned, "full_run_at": since})
