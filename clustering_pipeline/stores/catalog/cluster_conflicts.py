"""What stands in the way of a definition, said with both names."""

from collections.abc import Iterable

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusteringError, FieldTaken, NameTaken
from clustering_pipeline.stores.catalog.cluster_documents import (
    WRITES,
    written_entry,
    written_fields,
)
from clustering_pipeline.stores.catalog.scoping import within
from clustering_pipeline.stores.catalog.table import Duplicate, Table


def conflict(table: Table, record: ClusterRecord, duplicate: Duplicate) -> ClusteringError:
    """The error for a definition that a unique index kept out."""
    if duplicate.concerns(WRITES):
        return _field_taken(table, record)
    message = f"a definition named {record.name!r} exists already: choose another cluster_name"
    return NameTaken(message, details={"cluster_name": record.name})


def taken_by_others(
    table: Table, record: ClusterRecord, collection_id: str, fields: Iterable[str]
) -> set[str]:
    """Those of the payload fields that another definition writes on the collection."""
    entries = {written_entry(record.scope, collection_id, one): one for one in fields}
    query = {"_id": {"$ne": record.cluster_id}, WRITES: {"$in": list(entries)}}
    found = table.find(query, fields=[WRITES])
    taken = {entry for one in found for entry in one[WRITES]}
    return {field for entry, field in entries.items() if entry in taken}


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
