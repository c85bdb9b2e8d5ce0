"""The sensor daemon, killed at a chosen moment of its look and started again.

A program: ``dying_daemon.py COLLECTION=CRASH_POINT …``.  For each pair a batch of the collection is
completed, one look is killed (SIGKILL, by Dagster's own crash points), and two looks follow whole.
Every look is a process of its own, forked before anything is open.
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
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration

from clustering_pipeline.local.connect import connect
from clustering_pipeline.model.scope import LOCAL

SENSOR = "run_after_batches"
MODULE = "clustering_pipeline.definitions"
STARTED = datetime.now(UTC)
import_module(MODULE)  # once, for all that are forked


def complete(collection_id: str) -> None:
    with connect() as pipeline:
        batch = pipeline.catalog.batches.open(LOCAL, [collection_id])
        pipeline.catalog.batches.complete(LOCAL, batch.batch_id)


def look(number: int, crash_point: str | None) -> None:
    """One round over all sensors; a minute after the one before, for each has its interval."""
    flags = {SENSOR: {crash_point: signal.SIGKILL}} if crash_point else None
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE)
    origin = InProcessCodeLocationOrigin(target, location_name="here")
    with (
        dg.DagsterInstance.get() as instance,
        create_test_daemon_workspace_context(
            InProcessWorkspaceLoadTarget(origin), instance
        ) as workspace,
        freeze_time(STARTED + timedelta(minutes=number)),
    ):
        logger = logging.getLogger("daemon")
        list(execute_sensor_iteration(workspace, logger, None, None, debug_crash_flags=flags))


def forked(work: Callable[[], None]) -> int:
    """The exit code of ``work`` in a process of its own; negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            logging.exception("a look failed")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(pairs: list[str]) -> list[int]:
    codes: list[int] = []
    for place, pair in enumerate(pairs):
        collection_id, _, crash_point = pair.partition("=")
        steps: list[Callable[[], None]] = [
            partial(complete, collection_id),
            partial(look, 3 * place, crash_point),
            partial(look, 3 * place + 1, None),
            partial(look, 3 * place + 2, None),
        ]
        codes += [forked(step) for step in steps]
    return codes


if __name__ == "__main__":
    print(*main(sys.argv[1:]), sep=",")  # noqa: T201 - what the test reads
