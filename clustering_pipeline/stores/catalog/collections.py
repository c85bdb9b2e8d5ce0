"""The registered collections of documents, and the names reserved for those to come."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clustering_pipeline.model.collections import CollectionRecord, RegisterCollectionRequest
from clustering_pipeline.model.errors import CollectionNotFound, NameTaken, StateConflict
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.names import MAX_LENGTH
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.table import Document, Duplicate, Table, change, within

_SUFFIX = " clusters"
_END_OF_ID = slice(22, 28)
"""The last six digits of an id, whatever follows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collections:
    """Collections: what they are called here, and which Qdrant collection is behind them."""

    table: Table
    clusters: Table
    clock: Clock
    branch: str | None = None
    """What ids and names of output collections end in."""

    def register(self, scope: Scope, request: RegisterCollectionRequest) -> CollectionRecord:
        """Makes an existing Qdrant collection known; raises NameTaken."""
        self._require_apart(scope, request)
        now = self.clock()
        record = CollectionRecord(
            collection_id=request.collection_id or new_id("col"),
            collection_name=request.collection_name,
            organization_id=scope.organization_id,
            namespace_id=scope.namespace_id,
            qdrant_collection=request.qdrant_collection or request.collection_name,
            description=request.description,
            vectors=request.vectors,
            source_bucket_ids=request.source_bucket_ids,
            embed=request.embed,
            created_at=now,
            updated_at=now,
        )
        try:
            self.table.insert(_to_document(record))
        except Duplicate as duplicate:
            raise _taken(record, duplicate) from duplicate
        return record

    def _require_apart(self, scope: Scope, request: RegisterCollectionRequest) -> None:
        """No name is the id of another collection: both find it."""
        mistaken = [{"collection_id": request.collection_name}]
        if request.collection_id is not None:
            mistaken.append({"collection_name": request.collection_id})
        if self.table.find(within(scope, **{"$or": mistaken}), limit=1):
            text = request.collection_id or request.collection_name
            message = f"{text!r} would be the name of one collection and the id of another"
            raise NameTaken(message)

    def get(self, scope: Scope, identifier: str) -> CollectionRecord:
        """By id or name, an id first; raises CollectionNotFound."""
        return self.resolve(scope, [identifier])[0]

    def resolve(self, scope: Scope, identifiers: Sequence[str]) -> list[CollectionRecord]:
        """All of them, by ids or names, in the order asked; raises CollectionNotFound."""
        among = {"$in": list(identifiers)}
        query = within(scope, made=True)
        query["$or"] = [{"collection_id": among}, {"collection_name": among}]
        rows = self.table.find(query) if identifiers else []
        records = [CollectionRecord.model_validate(row) for row in rows]
        known = {record.collection_name: record for record in records}
        known |= {record.collection_id: record for record in records}
        for identifier in identifiers:
            if identifier not in known:
                raise _not_found(identifier)
        return [known[identifier] for identifier in identifiers]

    def list(self, scope: Scope) -> list[CollectionRecord]:
        """All of the namespace, by name."""
        rows = self.table.find(within(scope, made=True), sort=[("collection_name", 1)])
        return [CollectionRecord.model_validate(row) for row in rows]

    def behind(self, qdrant_collections: Iterable[str]) -> Sequence[CollectionRecord]:
        """What any namespace registered or reserved over these Qdrant collections."""
        rows = self.table.find({"qdrant_collection": {"$in": list(qdrant_collections)}})
        return [CollectionRecord.model_validate(row) for row in rows]

    def update(self, scope: Scope, collection_id: str, **changes: Any) -> CollectionRecord:
        """Changes fields of the record; raises CollectionNotFound."""

        def edit(record: CollectionRecord) -> CollectionRecord:
            edited = CollectionRecord.model_validate(record.model_dump() | changes)
            if edited == record:
                return record
            return edited.model_copy(update={"updated_at": self.clock()})

        return self.edit(scope, collection_id, edit)

    def edit(
        self, scope: Scope, collection_id: str, edit: Callable[[CollectionRecord], CollectionRecord]
    ) -> CollectionRecord:
        """Applies ``edit`` to the record as it is; raises CollectionNotFound."""
        return change(
            self.table,
            within(scope, collection_id=collection_id),
            decode=CollectionRecord.model_validate,
            encode=_to_update,
            missing=_not_found(collection_id),
            edit=edit,
            conflict=_taken,
        )

    def delete(self, scope: Scope, identifier: str) -> CollectionRecord:
        """Forgets a collection; raises StateConflict while a definition reads it.

        The Qdrant collection behind it is the caller's.
        """
        record = self.get(scope, identifier)
        query = within(scope, **{"view.input_collections": record.collection_id})
        users = [
            definition["view"]["cluster_name"] for definition in self.clusters.find(query, limit=5)
        ]
        if users:
            message = (
                f"collection {record.collection_name!r} is read by "
                f"{', '.join(map(repr, users))}: delete those definitions first"
            )
            raise StateConflict(message)
        self.table.delete(within(scope, collection_id=record.collection_id))
        return record

    def reserve(self, scope: Scope, cluster_id: str, name: str) -> CollectionRecord:
        """The id and name of a definition's output collection, which is made when it publishes."""
        now, suffix = self.clock(), _SUFFIX
        collection_id = new_id("col")
        if self.branch is not None:
            collection_id, suffix = f"{collection_id}_{self.branch}", f"{_SUFFIX} {self.branch}"
        record = CollectionRecord(
            collection_id=collection_id,
            collection_name=name[: MAX_LENGTH - len(suffix)] + suffix,
            organization_id=scope.organization_id,
            namespace_id=scope.namespace_id,
            qdrant_collection=collection_id,
            output_of=cluster_id,
            made=False,
            created_at=now,
            updated_at=now,
        )
        try:
            self.table.insert(_to_document(record))
        except Duplicate:
            some = record.collection_id[_END_OF_ID]
            name = f"{name[: MAX_LENGTH - len(suffix) - 7]} {some}{suffix}"
            record = record.model_copy(update={"collection_name": name})
            self.table.insert(_to_document(record))
        return record

    def unreserve(self, cluster_id: str) -> int:
        """Gives up what a definition reserved and never made."""
        return self.table.delete({"output_of": cluster_id, "made": False})

    def forget(self, scope: Scope, collection_id: str) -> int:
        """Forgets an output collection, whose Qdrant collections are gone."""
        return self.table.delete(within(scope, collection_id=collection_id))


def _to_document(record: CollectionRecord) -> Document:
    # An id is unique in its namespace only: clients may bring their own.
    key = f"{record.organization_id}/{record.namespace_id}/{record.collection_id}"
    return {"_id": key, **record.model_dump(mode="json")}


def _to_update(record: CollectionRecord) -> Document:
    return {"$set": {**record.model_dump(mode="json"), "version": record.version + 1}}


def _taken(record: CollectionRecord, duplicate: Duplicate) -> NameTaken:
    if duplicate.concerns("_id"):
        message = f"a collection with the id {record.collection_id!r} is registered already"
    else:
        message = f"a collection named {record.collection_name!r} exists already: choose another"
    return NameTaken(message)


def _not_found(identifier: str) -> CollectionNotFound:
    message = f"no collection {identifier[:200]!r} here: register it, or list those there are"
    return CollectionNotFound(message)
