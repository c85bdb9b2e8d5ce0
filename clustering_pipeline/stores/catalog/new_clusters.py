"""A definition on its way into the catalog: its collections found, its name made up if need be."""

from collections.abc import Sequence
from datetime import datetime

from clustering_pipeline.model.collections.collection import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.ids import generated_name, new_id
from clustering_pipeline.model.scope import Scope


def new_cluster(
    scope: Scope,
    request: CreateClusterRequest,
    collections: Sequence[CollectionRecord],
    *,
    now: datetime,
) -> ClusterRecord:
    """The record of a definition whose input is ``collections``."""
    name = request.cluster_name or _generated(request, collections)
    buckets = {bucket for one in collections for bucket in one.source_bucket_ids}
    return ClusterRecord(
        cluster_id=new_id("clust"),
        organization_id=scope.organization_id,
        namespace_id=scope.namespace_id,
        spec=by_id(request, collections).model_copy(update={"cluster_name": name}),
        state=ClusterState(
            created_at=now, updated_at=now, source_bucket_ids=sorted(buckets) or None
        ),
    )


def by_id(
    request: CreateClusterRequest, collections: Sequence[CollectionRecord]
) -> CreateClusterRequest:
    """The request with its collections named by id, each once."""
    ids = list(dict.fromkeys(one.collection_id for one in collections))
    return request.model_copy(update={"collection_ids": ids or None})


def output_names(record: ClusterRecord) -> list[str]:
    """Of one output collection, or of one for each feature."""
    features = record.resolved().output_features
    return [f"{record.name} {one}" for one in features] or [record.name]


def _generated(request: CreateClusterRequest, collections: Sequence[CollectionRecord]) -> str:
    config = request.vector_config
    method = config.clustering_method if config else "attributes"
    return generated_name(method, [one.collection_name for one in collections])
