"""Keeps each collection's ``cluster_applications`` equal to the definitions that listen to it."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from clustering_pipeline.model.collections import ClusterApplicationConfig, CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import CollectionNotFound, StateConflict
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.collections import Collections
from clustering_pipeline.stores.catalog.table import within

Applications = list[ClusterApplicationConfig]


def follow(collections: Collections, record: ClusterRecord) -> None:
    """Enters the definition where it listens, as it stands, and nowhere else; may be repeated."""
    by_batches = record.spec.auto_execute_on_batch and not record.spec.source_cluster_ids
    listens = set(record.spec.collection_ids or ()) if by_batches else set()
    for collection_id in sorted(listens | set(_entered(collections, record))):
        edit = _with(record) if collection_id in listens else _without(record.cluster_id)
        _edit(collections, record.scope, collection_id, edit)


def remove(collections: Collections, record: ClusterRecord) -> None:
    """Takes the definition off every collection."""
    for collection_id in _entered(collections, record):
        _edit(collections, record.scope, collection_id, _without(record.cluster_id))


def arrange(
    collections: Collections,
    scope: Scope,
    collection: str,
    cluster_id: str,
    *,
    phase: int | None = None,
    priority: int | None = None,
) -> CollectionRecord:
    """Says when a definition runs among those that wait for the same batch.

    Raises StateConflict when the definition does not listen to the collection.
    """
    given = {"execution_phase": phase, "priority": priority}
    changes = {name: value for name, value in given.items() if value is not None}

    def edit(entries: Applications) -> Applications:
        if all(entry.cluster_id != cluster_id for entry in entries):
            message = f"{cluster_id} does not listen to {collection!r}: set auto_execute_on_batch"
            raise StateConflict(message)
        return [
            ClusterApplicationConfig.model_validate(entry.model_dump() | changes)
            if entry.cluster_id == cluster_id
            else entry
            for entry in entries
        ]

    record = collections.get(scope, collection)
    return _changed(collections, scope, record.collection_id, edit)


def _entered(collections: Collections, record: ClusterRecord) -> Sequence[str]:
    query = within(record.scope, **{"cluster_applications.cluster_id": record.cluster_id})
    rows = collections.table.find(query, fields=["collection_id"])
    return [str(row["collection_id"]) for row in rows]


def _with(record: ClusterRecord) -> Callable[[Applications], Applications]:
    says = {
        "cluster_id": record.cluster_id,
        "min_document_threshold": record.spec.auto_execute_min_documents,
        "cooldown_seconds": record.spec.auto_execute_cooldown_seconds,
    }

    def edit(entries: Applications) -> Applications:
        # Its phase and priority are set on the collection, and stay.
        before = next((entry for entry in entries if entry.cluster_id == record.cluster_id), None)
        place = before.model_dump() if before else {}
        entry = ClusterApplicationConfig.model_validate(place | says)
        return [*_without(record.cluster_id)(entries), entry]

    return edit


def _without(cluster_id: str) -> Callable[[Applications], Applications]:
    return lambda entries: [entry for entry in entries if entry.cluster_id != cluster_id]


def _edit(
    collections: Collections,
    scope: Scope,
    collection_id: str,
    edit: Callable[[Applications], Applications],
) -> None:
    # A collection that went meanwhile has nobody to tell.
    with suppress(CollectionNotFound):
        _changed(collections, scope, collection_id, edit)


def _changed(
    collections: Collections,
    scope: Scope,
    collection_id: str,
    edit: Callable[[Applications], Applications],
) -> CollectionRecord:
    def applied(record: CollectionRecord) -> CollectionRecord:
        entries = edit(record.cluster_applications)
        if sorted(entries, key=_id) == sorted(record.cluster_applications, key=_id):
            return record
        return record.model_copy(update={"cluster_applications": entries})

    return collections.edit(scope, collection_id, applied)


def _id(entry: ClusterApplicationConfig) -> str:
    return entry.cluster_id
