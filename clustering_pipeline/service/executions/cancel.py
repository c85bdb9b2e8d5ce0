"""Cancels an execution from outside its process."""

import os
import signal
import socket
from contextlib import suppress

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.task import QueuedRun
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import is_alive
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.finish import cancel
from clustering_pipeline.service.executions.launcher import Launcher
from clustering_pipeline.stores.catalog import Catalog


def cancel_execution(catalog: Catalog, scope: Scope, run_id: str, launcher: Launcher) -> None:
    """Ends the execution now and tells its process to stop.

    A process that nobody reaches stops by itself at its next write: the definition is no longer
    its own.  Raises ExecutionNotFound, and StateConflict when it has ended already.
    """
    execution = catalog.executions.get(scope, run_id)
    if execution.status.ended:
        message = f"{run_id} has ended already ({execution.status.value})"
        raise StateConflict(message)
    launcher.cancel(execution.dagster_run_id)
    cancel(catalog, run_id)
    _interrupt(execution, launcher)


def cancel_queued(catalog: Catalog, waiting: QueuedRun, launcher: Launcher) -> None:
    """Takes a run out of the queue, and tells of it in the definition's history.

    One that has left the queue since it was looked at does not begin, or is told to stop.  Raises
    StateConflict when it has ended already.
    """
    root_run_id = launcher.cancel(waiting.dagster_run_id)
    if root_run_id is None:
        message = f"{waiting.run_id} has ended already: read its task"
        raise StateConflict(message)
    identity = RunIdentity(
        dagster_run_id=waiting.dagster_run_id,
        root_run_id=root_run_id,
        trigger=waiting.trigger,
        trigger_id=waiting.trigger_id,
    )
    record = catalog.clusters.by_id(waiting.cluster_id)
    execution = catalog.executions.begin(new_execution(record, identity, record.resolved()))
    cancel(catalog, waiting.run_id)
    _interrupt(execution, launcher)


def _interrupt(execution: ExecutionRecord, launcher: Launcher) -> None:
    owner = execution.owner
    if owner is None or owner.pid is None or owner.host != socket.gethostname():
        launcher.terminate(execution.dagster_run_id)
    elif is_alive(owner):
        os.kill(owner.pid, signal.SIGINT)


def archive_cluster(
    pipeline: Pipeline, scope: Scope, cluster: str, launcher: Launcher
) -> ClusterRecord:
    """Archives it first, so that nothing starts any more, then cancels what goes on.

    Its results stay as they are.  Raises ClusterNotFound; may be repeated.
    """
    catalog = pipeline.catalog
    record = catalog.automation.archive(scope, cluster)
    for execution in catalog.executions.active(record.cluster_id):
        # It may end by itself at the same moment.
        with suppress(StateConflict):
            cancel_execution(catalog, scope, execution.run_id, launcher)
    return catalog.clusters.by_id(record.cluster_id)
