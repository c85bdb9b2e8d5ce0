"""Returns to the results of an earlier run, for every reader."""

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import RENAME
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.publishing.output_collections import write_output
from clustering_pipeline.pipeline.publishing.pointer import point
from clustering_pipeline.pipeline.publishing.retention import not_kept
from clustering_pipeline.pipeline.publishing.run_marks import held_runs, planned_write_back
from clustering_pipeline.pipeline.publishing.tables import Results
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, MEMBERS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.service.executions.finish import settle
from clustering_pipeline.service.executions.recovery import finish, holding


def roll_back(
    pipeline: Pipeline, scope: Scope, cluster: str, run_id: str | None = None
) -> ClusterRecord:
    """Publishes a kept run again: by default the one that was published before the current.

    Readers, the aliases of output collections and the source documents follow it, in the order of
    any publication; interrupted after the catalog's pointer, the rest is finished by the next
    execution or start.  Raises StateConflict when the run is not kept, ExecutionInFlight while
    another is under way, FieldTaken when another definition writes its fields by now.
    """
    record = pipeline.catalog.clusters.get(scope, cluster)
    target = _target(pipeline, record, run_id)
    _check_fields(pipeline, record, target.spec)
    run = holding(pipeline, record, target)
    try:
        _publish(run, record, target)
    finally:
        settle(pipeline.catalog, target.run_id)
    return pipeline.catalog.clusters.by_id(record.cluster_id)


def is_kept(pipeline: Pipeline, execution: ExecutionRecord) -> bool:
    """Whether the run's results are still there, whole."""
    return execution.members_key is not None and pipeline.artifacts.exists(execution.members_key)


def _target(pipeline: Pipeline, record: ClusterRecord, run_id: str | None) -> ExecutionRecord:
    executions = pipeline.catalog.executions
    target_id = run_id or _before(pipeline, record)
    target = executions.get(record.scope, target_id, cluster_id=record.cluster_id)
    if target.run_id == record.state.last_run_id:
        message = f"{target.run_id} is the published run of {record.name!r} already"
        raise StateConflict(message)
    if not is_kept(pipeline, target):
        raise not_kept(record, target)
    return target


def _before(pipeline: Pipeline, record: ClusterRecord) -> str:
    """The run published before the current one; names alone are no result to return from."""
    published = current = pipeline.catalog.executions.published(record)
    if published is None or current is None:
        message = f"{record.name!r} has published no run yet: execute it"
        raise StateConflict(message)
    while current.plan == RENAME and (named := _named(pipeline, current)) is not None:
        current = named
    history = record.state.published_run_ids
    earlier = history[: history.index(current.run_id)] if current.run_id in history else history
    if not earlier:
        message = f"{record.name!r} has no published run before {published.run_id}: name a run"
        raise StateConflict(message)
    return earlier[-1]


def _named(pipeline: Pipeline, execution: ExecutionRecord) -> ExecutionRecord | None:
    """The run whose groups it names."""
    named = execution.manifest.get("parent_run_id")
    return pipeline.catalog.executions.find(named) if named else None


def _check_fields(pipeline: Pipeline, record: ClusterRecord, spec: ClusterSpec | None) -> None:
    if spec is not None:
        for collection_id in spec.collection_ids:
            pipeline.catalog.clusters.require_fields(record, collection_id, spec.target_fields)


def _publish(run: Run, record: ClusterRecord, target: ExecutionRecord) -> None:
    pipeline = run.pipeline
    if not run.spec.enrich:
        clusters, members = run.read_frame(CLUSTERS), run.read_frame(MEMBERS)
        write_output(run, Results(run_id=run.run_id, clusters=clusters, members=members))
    planned = planned_write_back(target.spec, held_runs(pipeline, record), branch=pipeline.branch)
    changes = {"write_back": planned, "generation_reap": None}
    pipeline.catalog.executions.update(target.run_id, **changes)
    point(run, target)
    finish(run)
