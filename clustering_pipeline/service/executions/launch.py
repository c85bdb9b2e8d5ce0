"""Starts a run, follows it through the catalog, and cleans up after it."""

import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager

from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest, Plan
from clustering_pipeline.model.errors import ExecutionInFlight, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.pipeline.stages.composite_mode.sources import composed
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.finish import cancel, record_end
from clustering_pipeline.service.executions.launcher import Launched, Launcher
from clustering_pipeline.stores.catalog import Catalog

POLL_SECONDS = 0.2

Watch = Callable[[ExecutionRecord], None]


def launch(
    launcher: Launcher,
    catalog: Catalog,
    scope: Scope,
    cluster: str,
    request: ExecuteClusterByIdRequest,
    *,
    plan: Plan = "full",
    identity: RunIdentity | None = None,
) -> Launched:
    """Makes the execution, with its overrides, and has the launcher start its run.

    This process holds the definition until the run does.  Raises ClusterNotFound, what
    ``composed`` raises, and ExecutionInFlight when a run is under way or ``identity`` was launched.
    """
    record = catalog.clusters.get(scope, cluster)
    if record.state.archived_at is not None:
        message = f"{record.name!r} is archived: unarchive it, then execute it"
        raise StateConflict(message)
    identity = identity or new_identity(str(uuid.uuid4()))
    execution = new_execution(record, identity, composed(catalog, record.resolved(request)))
    holder = this_process(identity.run_id, identity.task_id)
    catalog.clusters.claim(record.cluster_id, holder, is_alive=is_alive)
    try:
        _reserve(catalog, execution.model_copy(update={"plan": plan}))
        return launcher.start(record.cluster_id, identity, plan)
    except ExecutionInFlight:
        raise
    except BaseException:
        cancel(catalog, identity.run_id)
        catalog.clusters.release(record.cluster_id, identity.run_id)
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
        if not run.is_over:
            run.stop()
        raise
    finally:
        record_end(catalog, run.run_id, run.end(canceled=canceled))


def watch_to_end(run: Launched, catalog: Catalog, watch: Watch) -> None:
    """Shows ``watch`` the execution until it is over."""
    while not run.is_over:
        watch(catalog.executions.by_id(run.run_id))
        time.sleep(POLL_SECONDS)


def _reserve(catalog: Catalog, execution: ExecutionRecord) -> None:
    if not catalog.executions.reserve(execution):
        if catalog.executions.by_id(execution.run_id).status.ended:
            # It was over before we held the definition, and nobody else will let go of it.
            catalog.clusters.release(execution.cluster_id, execution.run_id)
        message = f"{execution.run_id} was launched already: follow it"
        raise ExecutionInFlight(
            message, details={"task_id": execution.task_id, "run_id": execution.run_id}
        )
