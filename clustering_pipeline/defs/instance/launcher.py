"""Starts each run in a process of its own, and speaks of runs to the Dagster instance."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import dagster as dg

from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.queue import WAITING
from clustering_pipeline.defs.instance.right_size import retry_tags, too_little
from clustering_pipeline.defs.instance.tags import JOBS, tags_of_execution
from clustering_pipeline.logs import VARIABLE
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.service.executions.finish import RunEnd
from clustering_pipeline.settings import Settings

STOP_SECONDS = 30.0
_MOST_SAID = 1_000  # characters of an error that may quote an answer, headers and all
WORKER = "clustering_pipeline.worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRun:
    """A run in a process of its own."""

    execution: ExecutionRecord
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def run_id(self) -> str:
        """The execution's id."""
        return self.execution.run_id

    @property
    def waits_in(self) -> None:
        """It waits in no queue."""
        return

    @property
    def place(self) -> str:
        """What a person is told."""
        return f"no daemon: in a process of its own; log: {self.log}"

    @property
    def is_over(self) -> bool:
        """Whether its process has ended."""
        return self.process.poll() is not None

    def wait(self) -> None:
        """Returns when its process has ended."""
        self.process.wait()

    def stop(self) -> None:
        """Cancels the run and awaits its end."""
        with open_instance(self.home) as instance:
            cancel_run(instance, self.execution.dagster_run_id)
        self.process.send_signal(signal.SIGINT)
        self.await_end()

    def await_end(self) -> None:
        """Waits for its process, which was told to stop; after 30 s it is killed."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def end(self, *, canceled: bool) -> RunEnd:
        """How the run ended; tells Dagster of an end that the worker could not tell it of."""
        with open_instance(self.home) as instance:
            run = instance.get_run_by_id(self.execution.dagster_run_id)
            if run is not None and not run.is_finished:
                _report_end(instance, run)
                run = instance.get_run_by_id(run.run_id)
            if run is not None:
                return end_of(instance, run)
        return RunEnd(outcome="canceled" if canceled else "failed", reason=self._last_words())

    def _last_words(self) -> str:
        """What a worker printed last that ended before it made its Dagster run."""
        lines = self.log.read_text(errors="replace").split("\n")
        return f"{next(filter(None, reversed(lines)), 'no output')}, see {self.log}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLauncher:
    """Runs beside this process, on the Dagster instance of the settings."""

    settings: Settings

    def start(self, execution: ExecutionRecord) -> WorkerRun:
        """Starts the worker; its log lies in the Dagster home."""
        home = dagster_home(self.settings)
        log = home / "logs" / f"{execution.run_id}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        own = {
            "DAGSTER_HOME": str(home),
            "CLUSTERING_DATA_DIR": str(self.settings.data_dir),
            VARIABLE: self.settings.log,
        }
        run = (execution.cluster_id, execution.dagster_run_id, JOBS[execution.plan])
        tags = json.dumps(tags_of_execution(execution))
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", WORKER, *run, tags],
                env=os.environ | own,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the command line alone; it decides how the run ends.
                start_new_session=True,
            )
        return WorkerRun(execution=execution, home=home, log=log, process=process)

    def cancel(self, dagster_run_id: str) -> str | None:
        """See ``Launcher``; the process of a run that is at work is told by who cancels it."""
        with open_instance(dagster_home(self.settings)) as instance:
            return cancel_run(instance, dagster_run_id)

    def terminate(self, dagster_run_id: str) -> None:
        """See ``Launcher``."""
        with open_instance(dagster_home(self.settings)) as instance:
            terminate_run(instance, dagster_run_id)

    def missing(self) -> str | None:
        """A process waits for nothing."""
        return None


def cancel_run(instance: dg.DagsterInstance, dagster_run_id: str) -> str | None:
    """Takes a run out of the queue, or notes that it is to end; see ``Launcher.cancel``."""
    run = instance.get_run_by_id(dagster_run_id)
    if run is None or run.is_finished:
        return None
    if run.status in WAITING:
        if run.status is dg.DagsterRunStatus.STARTING:
            # What was launched may wait for room, and nobody asks after a run that has ended.
            terminate_run(instance, dagster_run_id)
        instance.report_run_canceled(run, "Somebody cancelled it.")
    else:
        instance.report_run_canceling(run)
    return run.root_run_id or run.run_id


def terminate_run(instance: dg.DagsterInstance, dagster_run_id: str) -> None:
    """Has Dagster's run launcher stop a run that it launched."""
    run = instance.get_run_by_id(dagster_run_id)
    if run is not None and not run.is_finished:
        # Whoever launched it may be gone; the run is fenced by the catalog then.
        with suppress(Exception):
            instance.run_launcher.terminate(dagster_run_id)


def end_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunEnd:
    """How a Dagster run ended, with the sentence at the root of what Dagster tells of a failure."""
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return RunEnd(outcome="succeeded")
    if run.status is dg.DagsterRunStatus.CANCELED:
        return RunEnd(outcome="canceled")
    lack = too_little(instance, run)
    again = retry_tags(instance, run) is not None
    return RunEnd(
        outcome="failed", reason=lack or _why_failed(instance, run.run_id), runs_again=again
    )


def _why_failed(instance: dg.DagsterInstance, dagster_run_id: str) -> str | None:
    """What the run says; else what kept it from being launched."""
    for kind in (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.ENGINE_EVENT):
        for entry in instance.all_logs(dagster_run_id, of_type=kind):
            event = entry.dagster_event
            # A failure that was reported from outside carries no data.
            error = getattr(event and event.event_specific_data, "error", None)
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                # "package.module.Error: sentence", as tracebacks have it
                said = error.message.strip().partition(": ")[2] or error.message.strip()
                return shorten(said, _MOST_SAID)
    return None


def _report_end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run)
    else:
        instance.report_run_failed(run, "The run's process ended without saying so.")
