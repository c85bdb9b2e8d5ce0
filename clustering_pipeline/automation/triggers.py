"""Whether a trigger that looks at what has happened fires."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from clustering_pipeline.model.automation.schedules import ConditionalSchedule, EventSchedule
from clustering_pipeline.model.automation.triggers import TriggerRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What there is when a trigger looks."""

    documents: int
    """In all input collections."""
    batches: int
    """Completed in them."""
    published_run_id: str | None = None
    published_documents: int = 0
    """Selected by the published run."""
    selected: Callable[[], int]
    """Documents that the definition selects now."""
    metrics: Mapping[str, float | None]
    """Of the published groups."""
    drift: Callable[[str], float]
    """One of the measures of drift; it takes a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the trigger fires, and what to remember of the look."""

    fires: bool
    counter: int = 0
    waits: str | None = None
    """What it waits for, unless it fires."""


def judge_trigger(
    trigger: TriggerRecord,
    schedule: EventSchedule | ConditionalSchedule,
    facts: Facts,
    now: datetime,
) -> Verdict:
    """Enough events, or a condition that holds, once the cooldown of the last firing is over."""
    if isinstance(schedule, EventSchedule):
        counter = _events(trigger, schedule, facts)
        enough = counter >= schedule.event_threshold
        missing = f"{counter} of {schedule.event_threshold} {schedule.event_type}"
    else:
        counter, enough = 0, _holds(trigger, schedule, facts)
        missing = f"its condition on {schedule.condition_type} does not hold"
    left = _cooldown_left(trigger, schedule.cooldown_seconds, now)
    cooling = f"its cooldown has {left:.0f} s left" if left > 0 else None
    waits = cooling if enough else missing
    return Verdict(fires=waits is None, counter=counter, waits=waits)


def _events(trigger: TriggerRecord, schedule: EventSchedule, facts: Facts) -> int:
    if schedule.event_type == "documents_updated":
        return trigger.updates
    if schedule.event_type == "batch_completed":
        return max(0, facts.batches - (trigger.seen_batches or 0))
    # Documents that are written past us are counted all the same; the first look counts from now.
    seen = trigger.seen_documents
    return 0 if seen is None else max(0, facts.documents - seen)


def _holds(trigger: TriggerRecord, schedule: ConditionalSchedule, facts: Facts) -> bool:
    run = facts.published_run_id
    if run is None or _in_vain(trigger, schedule, run):
        return False
    if schedule.condition_type == "volume":
        return _volume(schedule.threshold, facts)
    if schedule.condition_type == "quality":
        value = facts.metrics.get(schedule.metric or "silhouette_score")
        return value is not None and value < schedule.threshold
    return facts.drift(schedule.metric or "share_far") >= schedule.threshold


def _in_vain(trigger: TriggerRecord, schedule: ConditionalSchedule, run: str) -> bool:
    """Whether it fired for these groups, or made them, and would again: nothing changes by that.

    A run that failed is tried again, until five in a row have.
    """
    poor = schedule.condition_type == "quality" and run == trigger.last_execution_job_id
    failed = trigger.last_execution_status == "failed"
    return poor or (run == trigger.judged_run_id and not failed)


def _volume(threshold: float, facts: Facts) -> bool:
    fresh = facts.selected() - facts.published_documents
    least = threshold if threshold >= 1 else threshold * facts.published_documents
    return fresh > 0 and fresh >= least


def _cooldown_left(trigger: TriggerRecord, seconds: int, now: datetime) -> float:
    last = trigger.last_triggered_at
    return 0.0 if last is None else seconds - (now - last).total_seconds()
