"""Reads and replaces what people want of a definition's groups."""

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.group_edits import (
    ClusterEdits,
    ClusterEditsResponse,
    EditsRecord,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog import Catalog


def get_edits(catalog: Catalog, scope: Scope, cluster: str) -> ClusterEditsResponse:
    """The overlay of a definition, by id or name; raises ClusterNotFound."""
    record = catalog.clusters.get(scope, cluster)
    return _response(catalog, record, catalog.edits.get(record.cluster_id))


def put_edits(
    catalog: Catalog, scope: Scope, cluster: str, edits: ClusterEdits
) -> ClusterEditsResponse:
    """Replaces the overlay; it is applied from the next run on.  Raises ClusterNotFound."""
    record = catalog.clusters.get(scope, cluster)
    return _response(catalog, record, catalog.edits.put(record.cluster_id, edits))


def _response(catalog: Catalog, record: ClusterRecord, kept: EditsRecord) -> ClusterEditsResponse:
    run_id = record.state.last_run_id
    published = catalog.executions.find(run_id) if run_id else None
    return ClusterEditsResponse(
        cluster_id=record.cluster_id,
        version=kept.version,
        edits=kept.edits,
        updated_at=kept.updated_at,
        conflicts=published.edit_conflicts if published else [],
    )
