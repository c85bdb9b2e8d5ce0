"""Hands runs to the queue of the Dagster instance, from which its daemon starts them."""

import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID, uuid5

import dagster as dg

from clustering_pipeline.defs.instance.home import dagster_home, open_instance, require_reachable
from clustering_pipeline.defs.instance.internals import (
    TAGS_TO_MAYBE_OMIT_ON_RETRY,
    JobPythonOrigin,
    ModuleCodePointer,
    QueuedRunCoordinator,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
    RepositoryPythonOrigin,
    SqlRunStorage,
    registered_location,
)
from clustering_pipeline.defs.instance.launcher import (
    WorkerLauncher,
    cancel_run,
    end_of,
    terminate_run,
)
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.instance.right_size import retry_tags, right_sized
from clustering_pipeline.defs.instance.tags import (
    JOBS,
    PARENT,
    PARTITION,
    RETRY,
    RETRY_REASON,
    ROOT,
    tags_of_execution,
)
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.finish import RunEnd
from clustering_pipeline.service.executions.launcher import Launcher
from clustering_pipeline.settings import Settings

MODULE = "clustering_pipeline.definitions"
_FUNCTION = "defs"
_REPOSITORY = "__repository__"
# Code servers in containers are told so which image they are.
_IMAGE = "DAGSTER_CURRENT_IMAGE"
_DAEMON = "QUEUED_RUN_COORDINATOR"
# The daemon says every 30 s that it lives.
SILENCE_SECONDS = 90.0
STOP_SECONDS = 60.0
_POLL_SECONDS = 0.5
# Any will do: it makes the id of a retry follow from that of its run.
_RETRIES = UUID("0b9e7c1e-53a1-4f0e-9f1c-7d1d2a6f3b58")
# Where the worker of a run was, as launchers note it.
_OF_WORKERS = ("ecs/task_arn", "ecs/cluster", "docker/", ".dagster/", "dagster/run_worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRun:
    """A run that goes on whatever becomes of who asked for it."""

    run_id: str
    dagster_run_id: str
    waits_in: str
    home: Path

    @property
    def place(self) -> str:
        """What a person is told."""
        return f"in Dagster's queue; run {self.dagster_run_id}"

    @property
    def is_over(self) -> bool:
        """Whether Dagster says so; a run that somebody deleted there is over as well."""
        with open_instance(self.home) as instance:
            run = instance.get_run_by_id(self.dagster_run_id)
        return run is None or run.is_finished

    def wait(self) -> None:
        """Returns when it is over."""
        while not self.is_over:
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Cancels the run and awaits its end."""
        with open_instance(self.home) as instance:
            cancel_run(instance, self.dagster_run_id)
            terminate_run(instance, self.dagster_run_id)
        self.await_end()

    def await_end(self) -> None:
        """Waits a minute; whatever goes on after it is no longer a run to Dagster."""
        deadline = time.monotonic() + STOP_SECONDS
        while not self.is_over and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        with open_instance(self.home) as instance:
            run = instance.get_run_by_id(self.dagster_run_id)
            if run is not None and not run.is_finished:
                instance.report_run_canceled(run, "It did not stop within a minute.")

    def end(self, *, canceled: bool) -> RunEnd:
        """How Dagster says that it ended."""
        with open_instance(self.home) as instance:
            run = instance.get_run_by_id(self.dagster_run_id)
            if run is not None:
                return end_of(instance, run)
        return RunEnd(outcome="canceled" if canceled else "failed", reason=DELETED)


DELETED = "the run was deleted in Dagster"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLauncher:
    """Runs in the queue of the Dagster instance of the settings, which need no process of ours."""

    settings: Settings
    pipeline: Pipeline | None = None
    """Tells what a run needs, where the settings ask for it."""

    def start(self, execution: ExecutionRecord) -> QueuedRun:
        """Puts the run into the queue; raises what ``check`` does."""
        home = dagster_home(self.settings)
        with open_instance(home) as instance:
            self._require(instance, home)
            submit(instance, execution, self._sized(execution))
            return QueuedRun(
                run_id=execution.run_id,
                dagster_run_id=execution.dagster_run_id,
                waits_in=queue_of(instance),
                home=home,
            )

    def check(self) -> None:
        """Raises LocalStackUnavailable where the instance has no queue, or its runs no stores."""
        home = dagster_home(self.settings)
        with open_instance(home) as instance:
            self._require(instance, home)

    def _require(self, instance: dg.DagsterInstance, home: Path) -> None:
        _require_queue(instance, home)
        if self.pipeline is not None:
            require_reachable(instance, self.pipeline)

    def _sized(self, execution: ExecutionRecord) -> dict[str, str]:
        if self.pipeline is None or execution.spec is None:
            return {}
        return right_sized(self.pipeline, execution.spec, plan=execution.plan)

    def cancel(self, dagster_run_id: str) -> str | None:
        """See ``Launcher``."""
        with open_instance(dagster_home(self.settings)) as instance:
            return cancel_run(instance, dagster_run_id)

    def terminate(self, dagster_run_id: str) -> None:
        """See ``Launcher``."""
        with open_instance(dagster_home(self.settings)) as instance:
            terminate_run(instance, dagster_run_id)

    def missing(self) -> str | None:
        """See ``Launcher``: without the daemon nothing leaves the queue."""
        if daemon_lives(dagster_home(self.settings)):
            return None
        return (
            "Dagster's daemon, which has not been heard of for a while: start `clustering-pipeline "
            "up` or `dagster-daemon run`"
        )


def launcher_of(settings: Settings, pipeline: Pipeline) -> Launcher:
    """Dagster's queue where a daemon empties it; a process of our own for a command without."""
    home = dagster_home(settings)
    if daemon_lives(home):
        return QueueLauncher(settings=settings, pipeline=pipeline)
    return WorkerLauncher(settings=settings)


def daemon_lives(home: Path) -> bool:
    """Whether the daemon that empties the queue of a Dagster home has been heard of lately."""
    with open_instance(home) as instance:
        beat = instance.get_daemon_heartbeats().get(_DAEMON)
    return beat is not None and time.time() - beat.timestamp < SILENCE_SECONDS


def say_that_it_ended(home: Path) -> None:
    """The daemon of a home has ended: nobody is to wait for it."""
    with open_instance(home) as instance:
        instance.wipe_daemon_heartbeats()


def queue_of(instance: dg.DagsterInstance) -> str:
    """What tells the queue of an instance from any other."""
    storage = instance.run_storage
    # Those of Dagster and of its databases are all of this kind.
    return storage.get_run_storage_id() if isinstance(storage, SqlRunStorage) else str(storage)


def submit(
    instance: dg.DagsterInstance, execution: ExecutionRecord, more: Mapping[str, str] | None = None
) -> None:
    """Makes the Dagster run of an execution, with its place under its job, and queues it."""
    job = _jobs().resolve_job_def(JOBS[execution.plan])
    instance.add_dynamic_partitions(NAME, [execution.cluster_id])
    tags = tags_of_execution(execution) | {PARTITION: execution.cluster_id} | dict(more or {})
    run = instance.create_run_for_job(
        job,
        run_id=execution.dagster_run_id,
        run_config=job.run_config,
        tags={**job.run_tags, **tags},
        remote_job_origin=RemoteJobOrigin(_repository(instance), job.name),
        job_code_origin=JobPythonOrigin(job.name, _code()),
    )
    _enqueue(instance, run)


def run_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun | None:
    """Queues the one run more of a run that failed, if there is to be one; may be repeated."""
    more = retry_tags(instance, run)
    if more is None:
        return None
    run_id = str(uuid5(_RETRIES, run.run_id))
    again = instance.get_run_by_id(run_id) or _repeated(instance, run, run_id, more)
    if again.status is dg.DagsterRunStatus.NOT_STARTED:
        instance.report_engine_event(f"It runs once more: {more[RETRY_REASON]}.", run)
        _enqueue(instance, again)
    return again


def _repeated(
    instance: dg.DagsterInstance, run: dg.DagsterRun, run_id: str, more: Mapping[str, str]
) -> dg.DagsterRun:
    """The same, from the beginning, by whoever started the one before and in the same image."""
    job = _jobs().resolve_job_def(run.job_name)
    if run.asset_selection is not None:
        job = job.get_subset(asset_selection=run.asset_selection)
    root = run.root_run_id or run.run_id
    own = {name: text for name, text in run.tags.items() if _is_to_stay(name)}
    return instance.create_run_for_job(
        job,
        run_id=run_id,
        run_config=run.run_config,
        tags=own | {PARENT: run.run_id, ROOT: root, RETRY: "1", **more},
        parent_run_id=run.run_id,
        root_run_id=root,
        asset_selection=set(run.asset_selection) if run.asset_selection is not None else None,
        remote_job_origin=run.remote_job_origin,
        job_code_origin=run.job_code_origin,
    )


def _is_to_stay(name: str) -> bool:
    """Whether a tag says what a run is to do, rather than what became of it."""
    return name not in TAGS_TO_MAYBE_OMIT_ON_RETRY and not name.startswith(_OF_WORKERS)


def _enqueue(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_dagster_event(
        dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.RUN_ENQUEUED.value, job_name=run.job_name
        ),
        run_id=run.run_id,
    )


def _repository(instance: dg.DagsterInstance) -> RemoteRepositoryOrigin:
    """Our location by the name that its deployment gave it, which its sensors tell."""
    for state in instance.all_instigator_state():
        if state.instigator_name == "follow_runs":
            return state.origin.repository_origin
    return RemoteRepositoryOrigin(registered_location(MODULE), _REPOSITORY)


def _code() -> RepositoryPythonOrigin:
    """Where a launcher that starts a run elsewhere loads the job from: from an image like ours."""
    return RepositoryPythonOrigin(
        executable_path=sys.executable,
        code_pointer=ModuleCodePointer(MODULE, _FUNCTION, str(Path.cwd())),
        container_image=os.environ.get(_IMAGE),
        entry_point=["dagster"],
    )


def _require_queue(instance: dg.DagsterInstance, home: Path) -> None:
    if not isinstance(instance.run_coordinator, QueuedRunCoordinator):
        message = (
            f"{home / 'dagster.yaml'} has a run_coordinator that is no queue: take it out, and "
            "execute again"
        )
        raise LocalStackUnavailable(message)


@cache
def _jobs() -> dg.Definitions:
    """The jobs as the code location has them; nothing of it connects to a store here."""
    from clustering_pipeline.defs.location import build  # noqa: PLC0415 - many commands start none

    return build(_unconnected)


@contextmanager
def _unconnected() -> Generator[Pipeline]:
    message = "the jobs that runs are made of are not executed here"
    raise LocalStackUnavailable(message)
    yield
