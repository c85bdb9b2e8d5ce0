"""The start of a run, whichever of its stages comes first: claim, freeze, say so."""

import logging
from dataclasses import dataclass
from typing import Any

from clustering_pipeline.automation.batches import apart
from clustering_pipeline.automation.due import begun
from clustering_pipeline.logs import Pace, tell
from clustering_pipeline.model.definitions.automation import MANUAL
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import (
    RENAME,
    ExecuteClusterByIdRequest,
    ExecutionMode,
)
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionProgress, ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import run_id_of, task_id_of
from clustering_pipeline.model.scope import Owner
from clustering_pipeline.model.status import ClusterStatus, ExecutionStatus
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.pipeline.run.progress import Progress
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.composite_mode.sources import composed
from clustering_pipeline.service.executions.recovery import finish
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.definitions.claims import active

LOG = logging.getLogger(__name__)
WRITES_DOCUMENTS = "enriched_documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """A Dagster run, and the first of the runs that it retries."""

    dagster_run_id: str
    root_run_id: str
    trigger: str = MANUAL
    trigger_id: str | None = None
    mode: ExecutionMode = "full"
    """Of a run that was not launched, but started in Dagster."""
    retries: str | None = None
    """The execution of a crashed worker, which this run does again as it was asked for."""
    retry_reason: str | None = None
    """Why it is run once more, where it was us who had it run."""
    part: str = ""
    """Which of the definitions of a Dagster run of several; empty where it is the only one."""
    in_one_process: bool = True
    """Whether the run ends with the process that works for it now."""
    process: int | None = None
    """The process that gives each step one of its own, where that is on this machine."""

    @property
    def run_id(self) -> str:
        """The execution's id."""
        return run_id_of(self.dagster_run_id, self.part)

    @property
    def task_id(self) -> str:
        """The task's id, which a retry keeps."""
        return task_id_of(self.root_run_id, self.part)

    @property
    def owner(self) -> Owner:
        """The run as the holder of its definition.

        Where an executor gives each step a process, none of them is the run's: that is the one
        that starts them.  Where it gives them a machine, the run is known by what it says of
        itself.
        """
        if self.in_one_process or self.process is not None:
            return this_process(self.run_id, self.task_id, pid=self.process)
        return Owner(run_id=self.run_id, task_id=self.task_id)


def open_run(pipeline: Pipeline, cluster_id: str, identity: RunIdentity, *, stage: str) -> Run:
    """The run as a stage sees it; the first stage to ask begins the execution.

    Raises ExecutionInFlight when another run holds the definition, StateConflict when this one
    has ended already (it was cancelled, or declared dead).
    """
    execution = pipeline.catalog.executions.find(identity.run_id)
    if execution is not None and execution.status.ended:
        message = f"{execution.run_id} has ended ({execution.status.value}); execute again"
        raise StateConflict(message)
    owner = identity.owner
    if execution is None or execution.owner is None:
        execution = _begin(pipeline, cluster_id, identity, owner)
        # What an earlier run left unfinished is no matter of how far this one comes.
        finish(_run(pipeline, execution, stage), documents=stage != WRITES_DOCUMENTS)
    elif execution.owner != owner:
        execution = _hand_over(pipeline, execution, owner)
    return _run(pipeline, execution, stage)


def new_execution(
    record: ClusterRecord, identity: RunIdentity, spec: ClusterSpec
) -> ExecutionRecord:
    """An execution that nobody has started: made by the launch, or by the first stage."""
    return ExecutionRecord(
        run_id=identity.run_id,
        cluster_id=record.cluster_id,
        dagster_run_id=identity.dagster_run_id,
        task_id=identity.task_id,
        organization_id=record.organization_id,
        namespace_id=record.namespace_id,
        status=ExecutionStatus.PENDING,
        trigger=identity.trigger,
        trigger_id=identity.trigger_id,
        spec=spec,
        mode=spec.mode,
        source_execution_ids=spec.source_execution_ids,
        created_at=utc_now(),
    )


def _hand_over(pipeline: Pipeline, execution: ExecutionRecord, owner: Owner) -> ExecutionRecord:
    """A run that Dagster resumes goes on in another process than the one that began."""
    pipeline.catalog.clusters.claim(execution.cluster_id, owner, is_alive=is_alive)
    return pipeline.catalog.executions.update(execution.run_id, owner=owner)


def _begin(
    pipeline: Pipeline, cluster_id: str, identity: RunIdentity, owner: Owner
) -> ExecutionRecord:
    catalog = pipeline.catalog
    record = active(catalog.clusters.by_id(cluster_id))
    resolved = _wanted(pipeline, record, identity)
    catalog.clusters.claim(cluster_id, owner, is_alive=is_alive)
    try:
        made = catalog.executions.begin(_unstarted(catalog, record, identity, resolved))
    except BaseException:
        # Without an execution nobody is told of its end, and this process may go on living.
        catalog.clusters.release(cluster_id, identity.run_id)
        raise
    now = utc_now()
    started = {
        "status": ClusterStatus.PROCESSING,
        "error": None,
        "failure_category": None,
        "task_id": identity.task_id,
        "last_attempt_id": identity.run_id,
        "last_executed_at": now,
    }

    def edit(cluster: ClusterRecord) -> dict[str, Any]:
        automation = begun(cluster.state.automation, identity.trigger, now, mode=resolved.mode)
        return started | {"automation": automation}

    catalog.clusters.revise(cluster_id, edit)
    spec, edits = _frozen(catalog, made, made.spec or resolved)
    return catalog.executions.update(
        identity.run_id,
        status=ExecutionStatus.PROCESSING,
        owner=owner,
        started_at=utc_now(),
        spec=spec,
        source_execution_ids=spec.source_execution_ids,
        edits=edits,
        params=spec.params.model_dump(mode="json"),
    )


def _frozen(
    catalog: Catalog, made: ExecutionRecord, spec: ClusterSpec
) -> tuple[ClusterSpec, ClusterEdits]:
    """What the run does and what people want of its groups, for as long as it works.

    New names alone change nothing else of the published run, whatever is asked for by now.
    """
    edits = catalog.edits.get(made.cluster_id).edits
    published = catalog.executions.published(catalog.clusters.by_id(made.cluster_id))
    if made.plan != RENAME or published is None:
        return composed(catalog, spec), edits
    before = published.edits or ClusterEdits()
    return published.spec or spec, before.model_copy(update={"rename": edits.rename})


def _unstarted(
    catalog: Catalog, record: ClusterRecord, identity: RunIdentity, spec: ClusterSpec
) -> ExecutionRecord:
    """The execution, unless it was launched; one that retries another does what that did."""
    before = catalog.executions.find(identity.retries) if identity.retries else None
    plan = before.plan if before is not None else spec.mode
    known = {"plan": plan, "retry_reason": identity.retry_reason}
    return new_execution(record, identity, spec).model_copy(update=known)


def _wanted(pipeline: Pipeline, record: ClusterRecord, identity: RunIdentity) -> ClusterSpec:
    """What a retry is to do was settled by the run before it, overrides and sources included.

    A run that nobody asked for clusters everything where it was to assign and no longer can.
    """
    executions = pipeline.catalog.executions
    before = executions.find(identity.retries) if identity.retries else None
    if before is not None and before.cluster_id == record.cluster_id and before.spec is not None:
        return before.spec
    mode = identity.mode
    if mode == "assign" and identity.trigger != MANUAL:
        reason = apart(pipeline, record)
        if reason is not None:
            tell(LOG, "full run instead of assigning", because=reason)
            mode = "full"
    return record.resolved(ExecuteClusterByIdRequest(mode=mode))


def _run(pipeline: Pipeline, execution: ExecutionRecord, stage: str) -> Run:
    catalog = pipeline.catalog
    record = catalog.clusters.by_id(execution.cluster_id)
    spec = execution.spec or record.resolved()

    is_due = Pace()
    shown = ExecutionProgress(stage=stage)

    def write(done: int, total: int | None) -> None:
        nonlocal shown
        if is_due():
            tell(LOG, "stage at work", done=done, total=total)
        shown = shown.model_copy(update={"done": done, "total": total})
        catalog.executions.progress(execution.run_id, shown)

    def say(sentence: str) -> None:
        nonlocal shown
        tell(LOG, sentence)
        shown = shown.model_copy(update={"notes": (*shown.notes, sentence)})
        catalog.executions.progress(execution.run_id, shown)

    def wait() -> None:
        # Whoever holds these stores longer than the run may wait for Qdrant after it.
        if not catalog.executions.by_id(execution.run_id).status.ended:
            waiting = shown.model_copy(update={"waiting_for": "Qdrant"})
            catalog.executions.progress(execution.run_id, waiting)

    write(0, None)
    pipeline.documents.waiting = wait
    return Run(
        pipeline=pipeline,
        execution=execution,
        spec=spec,
        published=catalog.executions.published(record),
        progress=Progress(write=write, say=say),
    )
