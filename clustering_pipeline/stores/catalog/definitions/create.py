"""A definition on its way into the catalog: its collections found, its name made up if need be."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.errors import ClusteringError, FieldTaken, NameTaken
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.names import generated_name
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.definitions.documents import (
    WRITES,
    written_entry,
    written_fields,
)
from clustering_pipeline.stores.catalog.table import Document, Duplicate, Table, within


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
    ids = list(dict.fromkeys(collection.collection_id for collection in collections))
    return request.model_copy(update={"collection_ids": ids or None})


def output_names(record: ClusterRecord) -> list[str]:
    """Of one output collection, or of one for each feature."""
    features = record.resolved().output_features
    return [f"{record.name} {feature}" for feature in features] or [record.name]


def _generated(request: CreateClusterRequest, collections: Sequence[CollectionRecord]) -> str:
    config = request.vector_config
    method = config.clustering_method if config else "attributes"
    return generated_name(method, [collection.collection_name for collection in collections])


def conflict(table: Table, record: ClusterRecord, duplicate: Duplicate) -> ClusteringError:
    """The error for a definition that a unique index kept out."""
    if duplicate.concerns(WRITES):
        wanted = written_fields(record)
        # The other definition may have gone since: then there is no name to tell.
        return _field_taken(record, wanted, _writer(table, record, wanted) or {})
    message = f"a definition named {record.name!r} exists already: choose another cluster_name"
    return NameTaken(message, details={"cluster_name": record.name})


def taken_by_others(
    table: Table, record: ClusterRecord, collection_id: str, fields: Iterable[str]
) -> set[str]:
    """Those of the payload fields that another definition writes on the collection."""
    entries = {written_entry(record.scope, collection_id, field): field for field in fields}
    query = {"_id": {"$ne": record.cluster_id}, WRITES: {"$in": list(entries)}}
    others = table.find(query, fields=[WRITES])
    taken = {entry for document in others for entry in document[WRITES]}
    return {field for entry, field in entries.items() if entry in taken}


def require_fields(
    table: Table, record: ClusterRecord, collection_id: str, fields: Iterable[str]
) -> None:
    """Raises FieldTaken when another definition writes one of the fields on the collection."""
    entries = [written_entry(record.scope, collection_id, field) for field in fields]
    if other := _writer(table, record, entries):
        raise _field_taken(record, entries, other)


def _writer(table: Table, record: ClusterRecord, entries: Sequence[str]) -> Document | None:
    query = within(record.scope, _id={"$ne": record.cluster_id}, **{WRITES: {"$in": entries}})
    return table.find_one(query)


def _field_taken(record: ClusterRecord, entries: Sequence[str], other: Document) -> FieldTaken:
    owner = other.get("view", {}).get("cluster_name", "another definition")
    taken = next((entry for entry in entries if entry in other.get(WRITES, ())), entries[0])
    collection, _, field = taken.rpartition("/")[2].partition(":")
    message = (
        f"{record.name!r} cannot write {field!r} on collection {collection!r}, {owner!r} does "
        "already: choose another target_field"
    )
    details = {"field": field, "collection_id": collection, "definitions": [record.name, owner]}
    return FieldTaken(message, details=details)
