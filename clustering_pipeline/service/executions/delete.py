"""Deletes a definition with everything its runs made, the run under way included."""

from collections.abc import Generator
from contextlib import contextmanager

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusteringError, ClusterNotFound
from clustering_pipeline.model.executions.execution import run_prefix
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.publishing.clear_fields import clear_unheld
from clustering_pipeline.pipeline.publishing.output_aliases import (
    SEPARATOR,
    aliases_of,
    generations,
)
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import require_idle
from clustering_pipeline.pipeline.run.run import Run


def remove_cluster(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    *,
    keep_output: bool = False,
    remove_fields: bool = False,
) -> ClusterRecord:
    """Removes artifacts, output collections and executions, then the record.

    With ``remove_fields`` the source documents lose first what it wrote there.  Interrupted, it can
    be repeated: the record goes last.  Raises ClusterNotFound, and ExecutionInFlight while a run is
    under way.
    """
    record = pipeline.catalog.clusters.get(scope, cluster)
    require_idle(record)
    if remove_fields:
        clear_unheld(pipeline, record)
    for run_id in pipeline.catalog.executions.ids_of(record.cluster_id):
        pipeline.artifacts.delete(run_prefix(record.scope, run_id))
    if not keep_output:
        _remove_output(pipeline, record)
    pipeline.catalog.lineages.delete_of(record.cluster_id)
    pipeline.catalog.edits.delete(record.cluster_id)
    pipeline.catalog.triggers.delete_of(record.cluster_id)
    # Whoever listens hears of its last run, although nobody can read of it any more.
    pipeline.catalog.outbox.announce_of(record.cluster_id)
    return pipeline.catalog.clusters.delete(scope, record.cluster_id)


def _remove_output(pipeline: Pipeline, record: ClusterRecord) -> None:
    for alias in aliases_of(pipeline, record):
        for name in generations(pipeline, alias):
            pipeline.documents.delete_collection(name)
        pipeline.catalog.collections.forget(record.scope, alias)


@contextmanager
def leaving_nothing(run: Run) -> Generator[None]:
    """Removes what the run wrote, if its definition was deleted meanwhile, when it fails of that.

    Whoever deletes a definition removes what is there; its run hears of it at its next look into
    the catalog only.
    """
    try:
        yield
    except ClusteringError:
        if _is_gone(run):
            _sweep(run)
        raise


def _is_gone(run: Run) -> bool:
    try:
        run.pipeline.catalog.clusters.by_id(run.cluster_id)
    except ClusterNotFound:
        return True
    return False


def _sweep(run: Run) -> None:
    run.pipeline.artifacts.delete(run.execution.artifacts_prefix)
    documents = run.pipeline.documents
    for name in documents.collections():
        if name.endswith(f"{SEPARATOR}{run.run_id}"):
            documents.delete_collection(name)
