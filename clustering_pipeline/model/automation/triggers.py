"""Triggers: what runs a definition by the clock, after events, or when its groups no longer fit."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from clustering_pipeline.model.automation.schedules import KINDS, Schedule
from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.definitions.automation import AutoExecuteMode
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.json_values import JsonObject
from clustering_pipeline.model.listing import LARGEST_OFFSET
from clustering_pipeline.model.scope import Scoped
from clustering_pipeline.model.times import Moment

MOST_FAILURES = 5
MODES: tuple[AutoExecuteMode, ...] = ("full", "assign", "auto")
Limit = Annotated[int, Field(ge=1, le=1000)]
TriggerType = Literal["cron", "interval", "event", "conditional"]


class TriggerStatus(StrEnum):
    """Whether a trigger fires; ``failed`` after five failures in a row."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    FAILED = "failed"


class TriggerExecutionConfig(RequestModel):
    """What runs: the input and the settings of the definition."""

    collection_ids: list[str] = Field(min_length=1)
    """Input collections."""
    config: JsonObject = Field(default_factory=dict)
    """Settings of the clustering. ``mode`` says what its runs do: ``full``, ``assign`` or ``auto``,
    as ``auto_execute_mode`` does for batches; the others are kept and shown."""

    @model_validator(mode="after")
    def _mode(self) -> Self:
        mode = self.config.get("mode")
        if mode is not None and mode not in MODES:
            message = f"config.mode is one of {', '.join(MODES)}, not {mode!r}"
            raise ValueError(message)
        return self


class CreateTriggerRequest(RequestModel):
    """What runs a definition, and when."""

    cluster_id: str | None = Field(default=None, max_length=200)
    """The definition, by id or name; required."""
    execution_config: TriggerExecutionConfig | None = None
    """What its runs do (``config.mode``); the rest is kept and shown, the definition says it."""
    trigger_type: TriggerType
    """By a cron expression, an interval, events or a condition."""
    schedule_config: JsonObject
    """The settings of that type."""
    description: str | None = Field(default=None, max_length=2000)
    """What it is for."""
    status: Literal["active", "paused", "disabled"] = "active"
    """Whether it fires from the start."""

    @property
    def schedule(self) -> Schedule:
        """The schedule; raises InvalidRequest for settings that its type does not take."""
        return schedule_of(self.trigger_type, self.schedule_config)


class UpdateTriggerRequest(RequestModel):
    """Only keys with a value change something."""

    schedule_config: JsonObject | None = None
    """New settings of its type, in place of all of the old."""
    description: str | None = Field(default=None, max_length=2000)
    """New description."""
    status: Literal["active", "paused", "disabled"] | None = None
    """Active starts it anew, after failures too."""


class ListTriggersRequest(RequestModel):
    """Which triggers, in which order."""

    cluster_id: str | None = None
    """Those of one definition, by id or name."""
    trigger_type: TriggerType | None = None
    """Those of one type."""
    status: TriggerStatus | None = Field(default=None, strict=False)
    """Those in one state."""
    offset: int = Field(default=0, ge=0, le=LARGEST_OFFSET)
    """Results to pass over."""
    limit: Limit = 50
    """Results at most."""
    sort_by: Literal[
        "created_at", "updated_at", "last_triggered_at", "next_scheduled_at", "execution_count"
    ] = "created_at"
    """Field to sort by."""
    direction: Literal["asc", "desc"] = "desc"
    """Smallest or largest first."""


class TriggerHistoryRequest(RequestModel):
    """Which of its executions."""

    offset: int = Field(default=0, ge=0, le=LARGEST_OFFSET)
    """Results to pass over."""
    limit: Limit = 50
    """Results at most."""
    status_filter: str | None = None
    """Those in one state of executions."""


class TriggerModel(View):
    """A trigger as clients read it."""

    trigger_id: str
    """Its id."""
    cluster_id: str | None
    """The definition it runs."""
    namespace_id: str
    """The namespace it belongs to."""
    internal_id: str
    """The organisation it belongs to."""
    execution_config: dict[str, Any]
    """Input collections and settings."""
    trigger_type: TriggerType
    """By a cron expression, an interval, events or a condition."""
    schedule_config: dict[str, Any]
    """The settings of that type."""
    status: TriggerStatus
    """Whether it fires."""
    last_triggered_at: Moment | None
    """When it last fired."""
    last_execution_job_id: str | None
    """The run it started last."""
    next_scheduled_at: Moment | None
    """When it fires next, for cron and interval."""
    execution_count: int
    """How often it has fired."""
    consecutive_failures: int
    """Failures in a row of what it started."""
    last_execution_status: str | None
    """How its last run ended."""
    last_execution_error: str | None
    """Why, if it failed."""
    event_counter: int
    """Events since it last fired, when it last looked."""
    last_cooldown_at: Moment | None
    """Since when its cooldown counts."""
    created_at: Moment
    """When it was made."""
    updated_at: Moment
    """When it last changed."""
    created_by: str | None
    """Who made it."""
    description: str | None
    """What it is for."""


class ListTriggersResponse(View):
    """A page of triggers."""

    results: list[TriggerModel]
    """The triggers of this page."""
    total: int
    """Matches on all pages."""
    offset: int
    """Results passed over."""
    limit: int
    """Results at most."""


class TriggerExecutionHistoryItem(View):
    """One execution that a trigger started."""

    job_id: str
    """Its run id."""
    triggered_at: Moment
    """When it was made."""
    status: str
    """How far it is, or how it ended."""
    execution_time_ms: int | None = None
    """How long it took."""
    error: str | None = None
    """Why it failed."""
    num_clusters: int | None = None
    """Groups it found."""
    num_documents: int | None = None
    """Documents it clustered."""


class TriggerHistoryResponse(View):
    """A page of what a trigger started, newest first."""

    trigger_id: str
    """The trigger."""
    executions: list[TriggerExecutionHistoryItem]
    """What it started."""
    total: int
    """Matches on all pages."""
    offset: int
    """Results passed over."""
    limit: int
    """Results at most."""


class TriggerRecord(Scoped):
    """A trigger as the catalog keeps it."""

    trigger_id: str
    cluster_id: str
    version: int = 1
    execution_config: dict[str, Any]
    trigger_type: TriggerType
    schedule_config: dict[str, Any]
    status: TriggerStatus = TriggerStatus.ACTIVE
    scheduled_for: Moment | None = None
    """The time that comes next, without jitter."""
    next_run_at: Moment | None = None
    """When to fire, or to look, next."""
    last_triggered_at: Moment | None = None
    last_execution_job_id: str | None = None
    last_ended_job_id: str | None = None
    execution_count: int = 0
    consecutive_failures: int = 0
    last_execution_status: str | None = None
    last_execution_error: str | None = None
    event_counter: int = 0
    updates: int = 0
    """Documents that were updated, as far as we were told, since it last fired."""
    seen_documents: int | None = None
    """Documents there were when it last fired, or first looked."""
    seen_batches: int | None = None
    """Batches completed by then."""
    judged_run_id: str | None = None
    """The published run that a condition was last met for."""
    created_at: Moment
    updated_at: Moment
    created_by: str | None = None
    description: str | None = None

    @property
    def schedule(self) -> Schedule:
        """Its schedule."""
        return schedule_of(self.trigger_type, self.schedule_config)

    @property
    def mode(self) -> AutoExecuteMode:
        """What its runs do; what was stored as something else means nothing here."""
        given = (self.execution_config.get("config") or {}).get("mode")
        return next((mode for mode in MODES if mode == given), "full")

    @property
    def run_key(self) -> str:
        """Tells one firing from the next."""
        return f"{self.trigger_id}:{self.execution_count}"

    def model(self) -> TriggerModel:
        """The view."""
        clocked = self.trigger_type in {"cron", "interval"}
        return TriggerModel.model_validate(
            {
                **self.model_dump(),
                "internal_id": self.organization_id,
                "next_scheduled_at": self.next_run_at if clocked else None,
                "last_cooldown_at": None if clocked else self.last_triggered_at,
            }
        )

    def changed(self, **changes: Any) -> Self:
        """The record with other values, checked."""
        return type(self).model_validate(self.model_dump() | changes)


def schedule_of(trigger_type: str, config: dict[str, Any]) -> Schedule:
    """The settings of a type; raises InvalidRequest naming what it does not take."""
    return validate(KINDS[trigger_type], config)
