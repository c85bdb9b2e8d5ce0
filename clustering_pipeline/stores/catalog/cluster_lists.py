"""Lists of definitions."""

from clustering_pipeline.model.definitions.views import ClusterMetadata
from clustering_pipeline.model.listing import (
    ClusterListStats,
    ListClustersRequest,
    ListClustersResponse,
)
from clustering_pipeline.stores.catalog.indexes import CLUSTERS_COVERED, CLUSTERS_ORDERED
from clustering_pipeline.stores.catalog.list_fields import CLUSTER_FIELDS
from clustering_pipeline.stores.catalog.list_kinds import Listed
from clustering_pipeline.stores.catalog.list_query import ListQuery
from clustering_pipeline.stores.catalog.lists import Found, find_page, paginate
from clustering_pipeline.stores.catalog.table import Query, Table


def list_clusters(
    table: Table, base: Query, request: ListClustersRequest, *, path: str
) -> ListClustersResponse:
    """See ``Clusters.list``."""
    question = ListQuery.of(request)
    found = find_page(_kind(table), base, question)
    return ListClustersResponse(
        results=[ClusterMetadata.model_validate(view) for view in found.views],
        pagination=paginate(question, found, path=path),
        total_count=found.total,
        stats=_stats(found),
    )


def _kind(table: Table) -> Listed:
    return Listed(
        table=table,
        fields=CLUSTER_FIELDS,
        public=frozenset(ClusterMetadata.model_fields),
        free_form=frozenset({"metadata"}),
        sums={"documents": "view.num_documents_clustered"},
        covered=CLUSTERS_COVERED,
        orders=CLUSTERS_ORDERED,
        unique=frozenset({"view.cluster_name"}),
    )


def _stats(found: Found) -> ClusterListStats:
    documents = int(found.summed("documents"))
    return ClusterListStats(
        total_clusters=found.total,
        total_documents=documents,
        avg_documents_per_cluster=documents / found.total if found.total else 0.0,
        clusters_by_status=found.counts,
    )
