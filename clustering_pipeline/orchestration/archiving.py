"""Takes a definition out of service, with what runs for it."""

from contextlib import suppress

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.orchestration.canceling import cancel_execution
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.settings import Settings


def archive_cluster(
    pipeline: Pipeline, scope: Scope, cluster: str, settings: Settings
) -> ClusterRecord:
    """Archives it first, so that nothing starts any more, then cancels what goes on.

    Its results stay as they are.  Raises ClusterNotFound; may be repeated.
    """
    catalog = pipeline.catalog
    record = catalog.automation.archive(scope, cluster)
    for execution in catalog.executions.active(record.cluster_id):
        # It may end by itself at the same moment.
        with suppress(StateConflict):
            cancel_execution(catalog, scope, execution.run_id, settings)
    return catalog.clusters.by_id(record.cluster_id)
