"""An execution as the catalog keeps it."""

from collections.abc import Collection, Mapping
from typing import Any, Literal, Self

from pydantic import Field

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.definitions.automation import MANUAL
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.executions.views import (
    ClusterExecutionCentroid,
    ClusterExecutionMetrics,
    ClusterExecutionResult,
    RepresentativeDocument,
)
from clustering_pipeline.model.scope import Owner, Scope, Scoped
from clustering_pipeline.model.status import ClusterStatus, ExecutionStatus
from clustering_pipeline.model.times import Moment


class LabelingLedger(Record):
    """Calls, tokens and dollars of the labels of one run, or of several: ledgers add up."""

    calls: int = 0
    """Requests sent, failed and repeated ones too."""
    cached: int = 0
    """Groups whose earlier answer was used again."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embedding_calls: int = 0
    """Requests for vectors, failed and repeated ones too."""
    embedding_tokens: int = 0
    estimated_tokens: int = 0
    """Of all these tokens, those that no server has counted: it told none, or never answered."""
    cost: float = 0.0
    """US dollars; models without a price cost nothing here and make ``unpriced`` true."""
    unpriced: bool = False

    def __add__(self, other: Self) -> Self:
        fields = type(self).model_fields
        sums = {name: getattr(self, name) + getattr(other, name) for name in fields}
        return self.model_copy(update=sums | {"unpriced": self.unpriced or other.unpriced})


TASK_TYPE = "engine_cluster_build"


def run_prefix(scope: Scope, run_id: str) -> str:
    """The directory of a run among all artifacts."""
    return f"{scope.organization_id}/{scope.namespace_id}/{TASK_TYPE}/{run_id}"


class StageTiming(Record):
    """How long one asset took."""

    name: str
    seconds: float


class ExecutionProgress(Record):
    """How far the stage under way is; ``total`` is None while nobody knows."""

    stage: str
    done: int = 0
    total: int | None = None
    notes: tuple[str, ...] = ()
    """What it has come to so far: the trials of ``auto``."""
    waiting_for: str | None = None
    """The server that does not answer, while the stage is patient with it."""


class WriteBack(Record):
    """What has become of the fields on the source documents.

    ``status`` is ``pending``, ``writing``, ``completed`` or ``failed``; until it is completed, some
    documents may still show the run before.  It is ``off`` in a branch, where nothing is written.
    """

    status: str = "pending"
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    error: str | None = None
    fields: tuple[str, ...] = ()
    """The payload fields that the run writes."""
    stale_fields: tuple[str, ...] = ()
    """Those that runs before it wrote and it does not: they are removed."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to write."""
        return self.status in {"completed", "off"}


class ExecutionRecord(Scoped, ClusterExecutionResult):
    """The public fields, and what runs and their successors need to know beside them."""

    version: int = 1
    status: ExecutionStatus = ExecutionStatus.PENDING
    task_status: ClusterStatus | None = None
    """What the task is called when that is finer than ``status``."""
    dagster_run_id: str
    task_id: str
    plan: str = "full"
    trigger: str = MANUAL
    """What started it: somebody, a batch, or a schedule."""
    trigger_id: str | None = None
    """The trigger, where one did."""
    retry_reason: str | None = None
    """Why the run before it was not enough, where it is that run once more."""
    spec: ClusterSpec | None = None
    """The definition with this execution's overrides, frozen."""
    params: dict[str, Any] | None = None
    """Parameters as resolved."""
    covered_batches: dict[str, int] = Field(default_factory=dict)
    """Collection to the last completed batch that was in before the documents were read."""
    artifacts: dict[str, str] = Field(default_factory=dict)
    """File to key, where a file lies elsewhere than in the run's own directory."""
    parquet_path: str | None = None
    members_key: str | None = None
    output_collections: dict[str, str] = Field(default_factory=dict)
    """Output collection to the Qdrant collection this run wrote."""
    stages: list[StageTiming] = Field(default_factory=list)
    progress: ExecutionProgress | None = None
    hierarchy_relationships: list[dict[str, Any]] | None = None
    """Which group of one feature lies within one of another, where features are independent."""
    write_back: WriteBack | None = None
    edits: ClusterEdits | None = None
    """What people wanted of the groups when it ran."""
    edit_conflicts: list[str] = Field(default_factory=list)
    """What of that could not be done, and why."""
    ledger: LabelingLedger | None = None
    """What its labels took; null when no model was to be asked."""
    owner: Owner | None = None
    operator_error: str | None = None
    """Why it failed in all words, where clients read fewer: addresses and paths."""
    failure_category: str | None = None
    started_at: Moment | None = None
    updated_at: Moment | None = None
    manifest: dict[str, Any] = Field(default_factory=dict)
    """Digests: of the manifest beside the results, and of the documents it was made from."""
    refusals: list[str] = Field(default_factory=list)
    """Why its results, which are kept, were not published."""
    expired_at: Moment | None = None
    """When its files were removed."""
    announced: tuple[str, ...] = ()
    """Events of it that are in the outbox of those who listen."""

    @property
    def events_owed(self) -> tuple[str, ...]:
        """What of it has happened that is in no outbox yet."""
        started = self.started_at is not None
        return events_owed(self.status, started=started, announced=self.announced)

    @property
    def whole_error(self) -> str | None:
        """Why it failed, for those who run the servers."""
        return self.operator_error or self.error_message

    @property
    def artifacts_prefix(self) -> str:
        """The run's own directory."""
        return run_prefix(self.scope, self.run_id)

    def artifact_key(self, file: str) -> str:
        """Where ``file`` of this execution lies."""
        return self.artifacts.get(file, f"{self.artifacts_prefix}/{file}")

    @property
    def uids(self) -> dict[str, str]:
        """Group to uid; groups of a run from before there were any have none."""
        groups = self.centroids or ()
        return {group.cluster_id: group.group_uid for group in groups if group.group_uid}

    @property
    def labels(self) -> dict[str, str]:
        """Uid to the name that readers of it see, those by people included."""
        groups = self.centroids or ()
        return {group.group_uid: self.label_of(group) or "" for group in groups if group.group_uid}

    def label_of(self, group: ClusterExecutionCentroid) -> str | None:
        """What readers see one of its groups called: the name people gave it, else its label."""
        return (self.label_overrides or {}).get(group.cluster_id) or group.label

    def result(self) -> ClusterExecutionResult:
        """The public view."""
        public = self.model_dump(include=set(ClusterExecutionResult.model_fields))
        return ClusterExecutionResult.model_validate(public)


__all__ = [
    "TASK_TYPE",
    "ClusterExecutionCentroid",
    "ClusterExecutionMetrics",
    "ClusterExecutionResult",
    "ExecutionProgress",
    "ExecutionRecord",
    "LabelingLedger",
    "RepresentativeDocument",
    "StageTiming",
    "WriteBack",
]


RunEvent = Literal[
    "cluster.execution.started",
    "cluster.execution.completed",
    "cluster.execution.failed",
    "cluster.execution.canceled",
]
STARTED: RunEvent = "cluster.execution.started"
ENDS: Mapping[ExecutionStatus, RunEvent] = {
    ExecutionStatus.COMPLETED: "cluster.execution.completed",
    ExecutionStatus.FAILED: "cluster.execution.failed",
    ExecutionStatus.CANCELED: "cluster.execution.canceled",
}
EVENTS: tuple[RunEvent, ...] = (STARTED, *ENDS.values())
"""A run that has started ends with exactly one of the others."""


def events_owed(
    status: ExecutionStatus, *, started: bool, announced: Collection[str]
) -> tuple[RunEvent, ...]:
    """What a run in that state has to tell and has not told yet."""
    begun = (STARTED,) if started else ()
    ended = (ENDS[status],) if status in ENDS else ()
    return tuple(event for event in (*begun, *ended) if event not in announced)
