"""What runs by itself: how far a definition has come, and what it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from pydantic import Field

from clustering_pipeline.model.base import Record, View
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment

OVERDUE_AFTER_SECONDS = 900.0


class Overdue(View):
    """What has been due for longer than ``OVERDUE_AFTER_SECONDS`` and is still not done."""

    since: Moment
    """Since when the first of it has been due."""
    reasons: list[str]
    """What was due, in sentences."""

    @classmethod
    def of(cls, promised: Mapping[str, datetime]) -> Self:
        """Of sentences and when what they tell was due; at least one."""
        reasons = sorted(promised, key=lambda reason: (promised[reason], reason))
        return cls(since=promised[reasons[0]], reasons=reasons)


BATCH = "batch"
SCHEDULE = "schedule"
MANUAL = "manual"


class Automation(Record):
    """How far the runs of a definition have come with the batches of its collections."""

    settled: dict[str, int] = Field(default_factory=dict)
    """Collection to the last completed batch that a run has dealt with."""
    batch_run_at: Moment | None = None
    """When the last automatic batch run began."""
    failures: int = 0
    """Automatic batch runs in a row that came to nothing."""
    failed_at: Moment | None = None
    """When the last of them ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticDefinition:
    """What decides whether a definition is due, in a form that is read by the thousand."""

    cluster_id: str
    name: str
    scope: Scope
    collection_ids: tuple[str, ...]
    min_documents: int | None = None
    cooldown_seconds: int = 3600
    settled: Mapping[str, int] = field(default_factory=dict)
    batch_run_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None
    last_attempt_id: str | None = None
    holder: str | None = None
    """The run that holds it."""
    archived: bool = False


class AutomationStanding(View):
    """Whether a completed batch makes the definition run, and what it waits for."""

    automatic: bool
    """Whether completed batches make it due at all."""
    due: bool
    """Whether the next look starts a run."""
    waits_for: list[str]
    """What holds it back, in sentences."""
    batches_behind: dict[str, int]
    """Collection to its completed batches that no run has dealt with."""
    cooldown_left_seconds: float = 0.0
    """Until the cooldown of the last automatic run is over."""
    retry_in_seconds: float = 0.0
    """Until it is tried again after failures."""
    documents: int | None = None
    """Documents in its collections, where a threshold asks for the number."""
    documents_missing: int = 0
    """Documents to the threshold."""
    run_in_flight: str | None = None
    """The run under way."""
    overdue: Overdue | None = None
    """What it should have done by now, triggers included."""
