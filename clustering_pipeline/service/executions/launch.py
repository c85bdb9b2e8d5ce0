"""Starts a run, follows it through the catalog, and cleans up after it."""

import time
import uuid
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager

from clustering_pipeline.model.definitions.execute import RENAME, ExecuteClusterByIdRequest, Plan
from clustering_pipeline.model.errors import ExecutionInFlight, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.groups.names import names_are_due
from clustering_pipeline.pipeline.publishing.run_marks import is_unfinished
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import is_alive, require_idle, this_process
from clustering_pipeline.pipeline.stages.composite_mode.sources import composed
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.finish import cancel, record_end
from clustering_pipeline.service.executions.launcher import Launched, Launcher
from clustering_pipeline.service.results.edits import show_names
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

    This process holds the definition until the run, or the queue it waits in, does.  Raises
    ClusterNotFound, what ``composed`` raises, and ExecutionInFlight when a run is under way or
    ``identity`` was launched.
    """
    record = catalog.clusters.get(scope, cluster)
    if record.state.archived_at is not None:
        message = f"{record.name!r} is archived: unarchive it, then execute it"
        raise StateConflict(message)
    identity = identity or new_identity(str(uuid.uuid4()))
    execution = new_execution(record, identity, composed(catalog, record.resolved(request)))
    return _hand_over(launcher, catalog, execution.model_copy(update={"plan": plan}))


def launch_rename(
    launcher: Launcher, pipeline: Pipeline, cluster_id: str, uids: Collection[str] = ()
) -> Launched | None:
    """Starts a run that puts the names people gave onto the published groups.

    None where groups and documents bear them already, and where the definition is archived: its
    next run does it.  ``uids`` are the groups whose names changed.  Raises ExecutionInFlight while
    a run is under way.
    """
    catalog = pipeline.catalog
    record = catalog.clusters.by_id(cluster_id)
    if record.state.archived_at is not None:
        return None
    require_idle(record)
    given = catalog.edits.get(cluster_id).edits.rename
    show_names(catalog, record, {uid: given.get(uid, "") for uid in uids})
    published = catalog.executions.published(record)
    if published is None:
        return None
    if not (is_unfinished(record, published) or names_are_due(pipeline, published, given)):
        return None
    identity = new_identity(str(uuid.uuid4()))
    execution = new_execution(record, identity, published.spec or record.resolved())
    return _hand_over(launcher, catalog, execution.model_copy(update={"plan": RENAME}))


def _hand_over(launcher: Launcher, catalog: Catalog, execution: ExecutionRecord) -> Launched:
    holder = this_process(execution.run_id, execution.task_id)
    catalog.clusters.claim(execution.cluster_id, holder, is_alive=is_alive)
    try:
        _reserve(catalog, execution)
        launched = launcher.start(execution)
    except ExecutionInFlight:
        raise
    except BaseException:
        cancel(catalog, execution.run_id)
        catalog.clusters.release(execution.cluster_id, execution.run_id)
        raise
    if launched.waits_in is not None:
        catalog.automation.wait(execution.cluster_id, holder, queue=launched.waits_in)
    return launched


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
