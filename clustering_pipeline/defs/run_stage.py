"""Runs one stage for Dagster and keeps the execution's record true, whatever happens."""

import logging
import multiprocessing
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager

import dagster as dg

from clustering_pipeline.defs.graph import Context, Graph
from clustering_pipeline.defs.instance.tags import RETRY_REASON, mode_of, retried_of, trigger_of
from clustering_pipeline.defs.run_log import logged
from clustering_pipeline.logs import tell
from clustering_pipeline.model.errors import (
    CatalogUnavailable,
    ClusteringError,
    RunCanceled,
    RunInterrupted,
)
from clustering_pipeline.model.executions.execution import StageTiming
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.export import Check
from clustering_pipeline.pipeline.stages.table import Stage, require_inputs
from clustering_pipeline.service.executions.begin import RunIdentity, open_run
from clustering_pipeline.service.executions.delete import leaving_nothing
from clustering_pipeline.service.executions.finish import complete, fail, record_part
from clustering_pipeline.service.executions.recovery import past_run

LOG = logging.getLogger(__name__)
TRACEBACK_LINES = 12
_IN_ONE_PROCESS = {"in_process", "execute_in_process_executor"}
"""Executors whose run ends with the process of its steps."""
_EITHER = "multi_or_in_process_executor"
_OF_PROCESSES = {"multiprocess", _EITHER}
"""Executors whose run starts its steps as processes of its own."""


def perform(context: Context, pipeline: Pipeline, graph: Graph, stage: Stage) -> StageReport:
    """Does the stage's work, timed; the last stage of the definition ends the execution."""
    identity = identity_of(context, graph)
    with logged(context, stage.name) as belongs, _recorded(context, pipeline, identity.run_id):
        if stage.optional and _is_complete(pipeline, identity.run_id):
            tell(LOG, "stage not asked for")
            return StageReport(skipped=True)
        cluster_id = graph.cluster_of(context, pipeline, graph)
        run = open_run(pipeline, cluster_id, identity, stage=stage.name)
        belongs["definition"] = run.cluster_id
        with leaving_nothing(run):
            report = _worked(run, stage)
        record_part(pipeline.catalog, run.run_id, graph.stages(context))
        return report


def _worked(run: Run, stage: Stage) -> StageReport:
    tell(LOG, "stage started", mode=run.spec.mode)
    require_inputs(run, stage)
    started = time.perf_counter()
    report = stage.work(run)
    seconds = time.perf_counter() - started
    _time(run, stage.name, seconds)
    if stage.name == run.last_stage:
        complete(run.pipeline.catalog, run.run_id)
    numbers = {name: number for name, number in report.numbers.items() if number is not None}
    tell(LOG, "stage ended", seconds=seconds, **numbers)
    return report.timed(seconds)


def verify(context: Context, pipeline: Pipeline, graph: Graph, check: Check) -> None:
    """Raises what the check found, once the catalog knows it."""
    identity = identity_of(context, graph)
    run_id = identity.run_id
    with logged(context, check.name), _recorded(context, pipeline, run_id, reraise=_as_it_is):
        done = pipeline.catalog.executions.find(run_id)
        if done is not None and done.status is ExecutionStatus.COMPLETED:
            # The run makes no more than was made before its checks.
            record = pipeline.catalog.clusters.by_id(done.cluster_id)
            check.require(past_run(pipeline, record, done))
            return
        cluster_id = graph.cluster_of(context, pipeline, graph)
        check.require(open_run(pipeline, cluster_id, identity, stage=check.name))


def identity_of(context: Context, graph: Graph) -> RunIdentity:
    """The ids of the Dagster run under way, or of the graph's part in it."""
    run, part = context.run, graph.part(context)
    trigger, trigger_id = trigger_of(run.tags)
    retried = retried_of(run.tags)
    return RunIdentity(
        dagster_run_id=run.run_id,
        root_run_id=run.root_run_id or run.run_id,
        trigger=trigger,
        trigger_id=trigger_id,
        mode=mode_of(run.tags),
        retries=run_id_of(retried, part) if retried else None,
        retry_reason=run.tags.get(RETRY_REASON),
        part=part,
        in_one_process=_is_one_process(context),
        process=_starter(context),
    )


def _is_one_process(context: Context) -> bool:
    executor = context.job_def.executor_def.name
    # Which of both it is, a run's configuration says.
    chosen = str(context.run.run_config.get("execution"))
    return executor in _IN_ONE_PROCESS or (executor == _EITHER and "in_process" in chosen)


def _starter(context: Context) -> int | None:
    """The process that starts the steps of the run."""
    parent = multiprocessing.parent_process()
    ours = context.job_def.executor_def.name in _OF_PROCESSES and not _is_one_process(context)
    return parent.pid if ours and parent is not None else None


def _is_complete(pipeline: Pipeline, run_id: str) -> bool:
    """Whether the run is done before its graph is: the definition asks for nothing more."""
    execution = pipeline.catalog.executions.find(run_id)
    return execution is not None and execution.status is ExecutionStatus.COMPLETED


def _time(run: Run, stage: str, seconds: float) -> None:
    executions = run.pipeline.catalog.executions
    before = [timing for timing in executions.by_id(run.run_id).stages if timing.name != stage]
    executions.update(run.run_id, stages=[*before, StageTiming(name=stage, seconds=seconds)])


def _as_failure(error: ClusteringError) -> Exception:
    # The same input would fail the same way: Dagster is not to try again.
    metadata = {"category": dg.MetadataValue.text(error.category)}
    return dg.Failure(error.message, metadata=metadata, allow_retries=False)


def _as_it_is(error: ClusteringError) -> Exception:
    return error


@contextmanager
def _recorded(
    context: Context,
    pipeline: Pipeline,
    run_id: str,
    *,
    reraise: Callable[[ClusteringError], Exception] = _as_failure,
) -> Generator[None]:
    try:
        yield
    except ClusteringError as error:
        _record(context, pipeline, run_id, error)
        raise reraise(error) from error
    except dg.DagsterExecutionInterruptedError:
        _record(context, pipeline, run_id, _ended(context, run_id))
        raise
    except Exception as error:
        unexpected = ClusteringError(f"{type(error).__name__}: {error}")
        tail = "".join(traceback.format_exception(error)).splitlines()[-TRACEBACK_LINES:]
        _record(context, pipeline, run_id, unexpected, tail="\n".join(tail))
        raise


def _record(
    context: Context,
    pipeline: Pipeline,
    run_id: str,
    error: ClusteringError,
    *,
    tail: str | None = None,
) -> None:
    # Not its message, which may quote a document.
    tell(LOG, "stage failed", logging.ERROR, kind=type(error).__name__, category=error.category)
    try:
        fail(pipeline.catalog, run_id, error, traceback=tail)
    except CatalogUnavailable as unavailable:
        message = f"the catalog does not know of this failure: {unavailable.message}"
        context.log.error(message)  # noqa: TRY400 - the failure itself carries the traceback


def _ended(context: Context, run_id: str) -> ClusteringError:
    run = context.instance.get_run_by_id(context.run.run_id)
    if run is not None and run.status is dg.DagsterRunStatus.CANCELING:
        return RunCanceled(f"{run_id} was cancelled")
    return RunInterrupted(f"{run_id} was interrupted; execute the definition again")
