"""What runs by itself: how far a definition has come, and what it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment

OVERDUE_AFTER_SECONDS = 900.0
AutoExecuteMode = Literal["full", "assign", "auto"]
DAY_SECONDS = 86_400


class FullRunThresholds(RequestModel):
    """When automatic mode ``auto`` clusters everything again: an extension of this server's.

    Each is passed by what lies above it; null stands for its default.
    """

    novelty_share: float = Field(default=0.1, ge=0, le=1)
    """Share of the documents that lie in the novelty pool; 1 is never."""
    drift: float = Field(default=0.05, ge=0, le=2)
    """By how much the mean cosine to a group falls from members to what was assigned since the last
    full run; 2 is never."""
    age_seconds: int = Field(default=30 * DAY_SECONDS, ge=0)
    """Age of the last full run, once anything was assigned since."""


DEFAULT_THRESHOLDS = FullRunThresholds()


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


class Assigned(Record):
    """What the documents are like that joined groups since the last full run."""

    run_id: str
    """The published run that it is true of."""
    documents: int
    """Documents of that run."""
    novelty_pool: int
    """Of those, documents that no group reaches."""
    new: int
    """Documents assigned since the last full run, however that went."""
    changes: int
    """The same, with those that are gone."""
    drift: float
    """By how much the mean cosine to a group falls from members to them."""


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
    failed_in_full: bool = False
    """Whether the last of them was a full run."""
    full_run_at: Moment | None = None
    """When the last full run ended, published or refused."""
    full_of: str | None = None
    """What of the definition made its groups."""
    assigned: Assigned | None = None
    """What runs in mode assign have found since."""
    grouped: list[str] = Field(default_factory=list)
    """Of a composite definition, the runs of its sources that its last run dealt with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticDefinition:
    """What decides whether a definition is due, in a form that is read by the thousand."""

    cluster_id: str
    name: str
    scope: Scope
    collection_ids: tuple[str, ...]
    source_ids: tuple[str, ...] = ()
    """Of a composite definition, those whose groups it groups."""
    grouped: frozenset[str] = frozenset()
    mode: AutoExecuteMode = "full"
    thresholds: FullRunThresholds = DEFAULT_THRESHOLDS
    published: str | None = None
    """The published run."""
    assigned: Assigned | None = None
    full_run_at: datetime | None = None
    min_documents: int | None = None
    cooldown_seconds: int = 3600
    settled: Mapping[str, int] = field(default_factory=dict)
    batch_run_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None
    failed_in_full: bool = False
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
    next_mode: Literal["full", "assign", "composite"]
    """What the next run does, unless something changes before it."""
    full_run_because: list[str]
    """What asks for a full run where batches are assigned otherwise, in sentences; one that has to
    wait is named in ``waits_for``, too."""
    batches_behind: dict[str, int]
    """Collection to its completed batches that no run has dealt with."""
    sources_behind: list[str] = Field(default_factory=list)
    """Of a composite definition, the sources whose newest run it has not grouped."""
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
