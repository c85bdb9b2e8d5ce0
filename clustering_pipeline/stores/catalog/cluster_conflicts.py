"""What stands in the way of a definition, said with both names."""

from clustering_pipeline.model.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusteringError, FieldTaken, NameTaken
from clustering_pipeline.stores.catalog.cluster_documents import WRITES, written_fields
from clustering_pipeline.stores.catalog.scoping import within
from clustering_pipeline.stores.catalog.table import Duplicate, Table


def conflict(table: Table, record: ClusterRecord, duplicate: Duplicate) -> ClusteringError:
    """The error for a definition that a unique index kept out."""
    if duplicate.concerns(WRITES):
        return _field_taken(table, record)
    message = f"a definition named {record.name!r} exists already: choose another cluster_name"
    return NameTaken(message, details={"cluster_name": record.name})


def _field_taken(table: Table, record: ClusterRecord) -> FieldTaken:
    wanted = written_fields(record)
    query = within(record.scope, _id={"$ne": record.cluster_id}, **{WRITES: {"$in": wanted}})
    other = table.find_one(query) or {}
    # The other definition may have gone since: then there is no name to tell.
    owner = other.get("view", {}).get("cluster_name", "another definition")
    taken = next((entry for entry in wanted if entry in other.get(WRITES, ())), wanted[0])
    collection, _, field = taken.rpartition("/")[2].partition(":")
    message = (
        f"{record.name!r} cannot write {field!r} on collection {collection!r}, {owner!r} does "
        "already: choose another target_field"
    )
    details = {"field": field, "collection_id": collection, "definitions": [record.name, owner]}
    return FieldTaken(message, details=details)
