"""Which executions a composite run groups, and whether their groups can be compared."""

from collections.abc import Sequence

from clustering_pipeline.model.definitions.composite import (
    COMPOSITE,
    check_alike,
    check_composes,
    require_centroids,
)
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import ClusterNotFound, InvalidRequest, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, EMBEDDINGS, MEMBERS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.catalog import Catalog

READ = (EMBEDDINGS, MEMBERS, CLUSTERS)
LEAST = 2


def composed(catalog: Catalog, spec: ClusterSpec) -> ClusterSpec:
    """Of a composite run, with its sources and their collections frozen; any other as it is.

    The sources are those asked for, or the newest of each source of the definition.  Raises
    InvalidRequest for fewer than two and for groups that cannot be compared, ExecutionNotFound,
    StateConflict for one without results, and FieldTaken.
    """
    if spec.mode != COMPOSITE:
        return spec
    check_composes(spec.cluster_name, spec.definition)
    runs = source_runs(catalog, spec)
    _check_alike(spec, runs)
    ids = (name for run in runs for name in (run.spec.collection_ids if run.spec else ()))
    collections = list(dict.fromkeys(ids))
    _check_fields(catalog, spec, [name for name in collections if name not in spec.collection_ids])
    definition = spec.definition.model_copy(update={"collection_ids": collections})
    sources = [run.run_id for run in runs]
    return spec.model_copy(update={"definition": definition, "source_execution_ids": sources})


def source_runs(catalog: Catalog, spec: ClusterSpec) -> list[ExecutionRecord]:
    """The executions whose groups are grouped, each once; see ``composed``."""
    asked, sources = spec.source_execution_ids, spec.definition.source_cluster_ids or ()
    runs = (
        [catalog.executions.get(spec.scope, run_id) for run_id in dict.fromkeys(asked)]
        if asked
        else [_newest(catalog, spec, cluster_id) for cluster_id in sources]
    )
    if len(runs) < LEAST:
        message = (
            f"mode composite groups the groups of at least two executions, not of {len(runs)}: "
            "name them in source_execution_ids, or give the definition two source_cluster_ids"
        )
        raise InvalidRequest(message)
    for run in runs:
        if run.members_key is None or not run.status.ended or run.expired_at is not None:
            message = f"the results of {run.run_id} are not kept: name another execution"
            raise StateConflict(message)
    return runs


def require_files(pipeline: Pipeline, spec: ClusterSpec) -> None:
    """Raises StateConflict when a source of a composite run has lost a file that is read."""
    for run in source_runs(pipeline.catalog, spec):
        for artifact in READ:
            if not artifact.exists(pipeline.artifacts, run):
                message = f"{artifact.file} of {run.run_id} is not kept: name another execution"
                raise StateConflict(message)


def _newest(catalog: Catalog, spec: ClusterSpec, cluster_id: str) -> ExecutionRecord:
    try:
        source = catalog.clusters.get(spec.scope, cluster_id)
    except ClusterNotFound:
        message = (
            f"{spec.cluster_name!r} groups the groups of {cluster_id}, which is gone: give it "
            "other source_cluster_ids, or name source_execution_ids"
        )
        raise StateConflict(message) from None
    newest = catalog.executions.newest_results(source.cluster_id)
    if newest is None:
        message = f"{source.name!r} has no completed run to group the groups of: execute it first"
        raise StateConflict(message)
    return newest


def _check_alike(spec: ClusterSpec, runs: Sequence[ExecutionRecord]) -> None:
    for run in runs:
        theirs = run.spec or spec
        require_centroids(run.run_id, theirs)
        check_alike(spec.cluster_name, spec.vectors, run.run_id, theirs.vectors)


def _check_fields(catalog: Catalog, spec: ClusterSpec, collections: Sequence[str]) -> None:
    """Of collections that the definition does not claim, as it is stored."""
    if not spec.enrich:
        return
    record = catalog.clusters.by_id(spec.cluster_id)
    targets = [mapping.target_field for mapping in spec.field_mappings]
    for collection_id in collections:
        catalog.clusters.require_fields(record, collection_id, targets)
