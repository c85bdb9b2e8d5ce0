"""Starts a run in a process of its own, follows it through the catalog, and cleans up after it."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from clustering_pipeline.defs.instance.home import dagster_home, open_instance, why_failed
from clustering_pipeline.defs.instance.tags import JOBS
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest, Plan
from clustering_pipeline.model.errors import ExecutionInFlight, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.pipeline.stages.composite_mode.sources import composed
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.finish import cancel, interrupt, record_end
from clustering_pipeline.settings import Settings
from clustering_pipeline.stores.catalog import Catalog

POLL_SECONDS = 0.2
STOP_SECONDS = 30.0
WORKER = "clustering_pipeline.worker"

Watch = Callable[[ExecutionRecord], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A run in a process of its own."""

    identity: RunIdentity
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def run_id(self) -> str:
        """The execution's id."""
        return self.identity.run_id


def launch(
    settings: Settings,
    catalog: Catalog,
    scope: Scope,
    cluster: str,
    request: ExecuteClusterByIdRequest,
    *,
    plan: Plan = "full",
    identity: RunIdentity | None = None,
) -> Launched:
    """Makes the execution, with its overrides, and starts the worker; the log lies beside it.

    This process holds the definition until the worker does.  Raises ClusterNotFound, what
    ``composed`` raises, and ExecutionInFlight when a run is under way or ``identity`` was launched.
    """
    record = catalog.clusters.get(scope, cluster)
    if record.state.archived_at is not None:
        message = f"{record.name!r} is archived: unarchive it, then execute it"
        raise StateConflict(message)
    wanted = identity or new_identity(str(uuid.uuid4()))
    made = new_execution(record, wanted, composed(catalog, record.resolved(request)))
    holder = this_process(wanted.run_id, wanted.task_id)
    catalog.clusters.claim(record.cluster_id, holder, is_alive=is_alive)
    try:
        _reserve(catalog, made.model_copy(update={"plan": plan}))
        return _start(settings, record.cluster_id, wanted, job=JOBS[plan])
    except ExecutionInFlight:
        raise
    except BaseException:
        cancel(catalog, wanted.run_id)
        catalog.clusters.release(record.cluster_id, wanted.run_id)
        raise


def new_identity(dagster_run_id: str) -> RunIdentity:
    """A run that retries no other."""
    return RunIdentity(dagster_run_id=dagster_run_id, root_run_id=dagster_run_id)


def follow(run: Launched, catalog: Catalog, watch: Watch) -> ExecutionRecord:
    """Waits for the run's end, showing ``watch`` the execution as it changes."""
    with attended(run, catalog):
        watch_to_end(run, catalog, watch)
    return catalog.executions.by_id(run.run_id)


@contextmanager
def attended(run: Launched, catalog: Catalog) -> Generator[None]:
    """Whoever attends a run sees it to its end.

    On Ctrl-C, and on whatever else keeps them from it, the run is cancelled, its end awaited, and
    the exception raised again: a run that nobody follows must not go on unseen.
    """
    canceled = False
    try:
        yield
    except BaseException:
        canceled = True
        if run.process.poll() is None:
            stop(run)
        raise
    finally:
        _settle(run, catalog, canceled=canceled)


def watch_to_end(run: Launched, catalog: Catalog, watch: Watch) -> None:
    """Shows ``watch`` the execution until its process ends."""
    while run.process.poll() is None:
        watch(catalog.executions.by_id(run.run_id))
        time.sleep(POLL_SECONDS)


def abandon(run: Launched, catalog: Catalog) -> None:
    """Cancels a run that nobody will follow, if it still goes on; may be repeated."""
    if run.process.poll() is None:
        stop(run)
    _settle(run, catalog, canceled=True)


def stop(run: Launched) -> None:
    """Cancels the run and waits for its process; after 30 s the process is killed."""
    with open_instance(run.home) as instance:
        dagster_run = instance.get_run_by_id(run.identity.dagster_run_id)
        if dagster_run is not None and not dagster_run.is_finished:
            instance.report_run_canceling(dagster_run)
    run.process.send_signal(signal.SIGINT)
    try:
        run.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        run.process.kill()
        run.process.wait()


def _reserve(catalog: Catalog, made: ExecutionRecord) -> None:
    if not catalog.executions.reserve(made):
        if catalog.executions.by_id(made.run_id).status.ended:
            # It was over before we held the definition, and nobody else will let go of it.
            catalog.clusters.release(made.cluster_id, made.run_id)
        message = f"{made.run_id} was launched already: follow it"
        raise ExecutionInFlight(message, details={"task_id": made.task_id, "run_id": made.run_id})


def _start(settings: Settings, cluster_id: str, identity: RunIdentity, *, job: str) -> Launched:
    home = dagster_home(settings)
    log = home / "logs" / f"{identity.run_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    own = {"DAGSTER_HOME": str(home), "CLUSTERING_DATA_DIR": str(settings.data_dir)}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", WORKER, cluster_id, identity.dagster_run_id, job],
            env=os.environ | own,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches the command line alone; it decides how the run ends.
            start_new_session=True,
        )
    return Launched(identity=identity, home=home, log=log, process=process)


def _settle(run: Launched, catalog: Catalog, *, canceled: bool) -> None:
    """Tells Dagster and the catalog of an end that the worker could not tell them of."""
    with open_instance(run.home) as instance:
        dagster_run = instance.get_run_by_id(run.identity.dagster_run_id)
        if dagster_run is not None and not dagster_run.is_finished:
            _report_end(instance, dagster_run)
            dagster_run = instance.get_run_by_id(dagster_run.run_id)
        reason = why_failed(instance, run.identity.dagster_run_id)
    if dagster_run is not None:
        record_end(catalog, dagster_run, reason=reason)
    elif canceled:
        cancel(catalog, run.run_id)
    else:
        interrupt(catalog, run.run_id, reason=_last_words(run))


def _last_words(run: Launched) -> str:
    """What a worker printed last that ended before it made its Dagster run."""
    lines = run.log.read_text(errors="replace").split("\n")
    return f"{next(filter(None, reversed(lines)), 'no output')}, see {run.log}"


def _report_end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run)
    else:
        instance.report_run_failed(run, "The run's process ended without saying so.")
