"""The daemon and its run workers, killed at chosen moments and started again.

A program that reads commands, a line each, and answers each with the exit code of the process that
carried it out, negative for a signal:

``look SECOND [CRASH_POINT]``  one round over the sensors, the given seconds after the start, and
one over the runs to be retried; killed (SIGKILL) at one of Dagster's own crash points.

``work RUN``  what a worker does with a run of the queue; it dies where ``dying_location`` says.

Every command has a process of its own, forked before anything is open.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._daemon.sensor import execute_sensor_iteration

from clustering_pipeline_tests.defs.dying_location import defs

SENSOR = "run_after_batches"
MODULE = "clustering_pipeline_tests.defs.dying_location"
STARTED = datetime.now(UTC)
# What runs import when they need it, once for all that are forked.
HEAVY = ["polars", "pyarrow.parquet", "sklearn.linear_model", "sklearn.feature_extraction.text"]
for heavy in HEAVY:
    import_module(heavy)


def look(second: str, crash_point: str | None = None) -> None:
    """Sensors have their intervals: the next look is later by more than those that matter."""
    flags = {SENSOR: {crash_point: signal.SIGKILL}} if crash_point else None
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE)
    origin = InProcessCodeLocationOrigin(target, location_name="here")
    with (
        dg.DagsterInstance.get() as instance,
        create_test_daemon_workspace_context(
            InProcessWorkspaceLoadTarget(origin), instance
        ) as workspace,
        freeze_time(STARTED + timedelta(seconds=int(second))),
    ):
        logger = logging.getLogger("daemon")
        list(execute_sensor_iteration(workspace, logger, None, None, debug_crash_flags=flags))
        list(EventLogConsumerDaemon().run_iteration(workspace))


def work(run_id: str) -> None:
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        starting = dg.DagsterEventType.PIPELINE_STARTING
        event = dg.DagsterEvent(event_type_value=starting.value, job_name=run.job_name)
        instance.report_dagster_event(event, run_id=run_id)
        job = InMemoryJob(defs().resolve_job_def(run.job_name))
        execute_run(job, instance.get_run_by_id(run_id), instance)


def forked(work: Callable[[], None]) -> int:
    """The exit code of ``work`` in a process of its own; negative for a signal."""
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        try:
            work()
        except BaseException:
            logging.exception("a command failed")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


COMMANDS = {"look": look, "work": work}

if __name__ == "__main__":
    for line in sys.stdin:
        name, *given = line.split()
        print(forked(partial(COMMANDS[name], *given)), flush=True)  # noqa: T201 - what the test reads
