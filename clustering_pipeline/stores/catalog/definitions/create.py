"""A definition on its way into the catalog: its collections, or those of the definitions whose
groups it groups, found, and its name made up if need be.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.automation import Automation
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.composite import (
    check_alike,
    check_composes,
    inherited,
    require_centroids,
)
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest, patched
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.errors import (
    ClusteringError,
    ClusterNotFound,
    FieldTaken,
    InvalidDefinition,
    NameTaken,
)
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.names import generated_name
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.automation.batches import Batches
from clustering_pipeline.stores.catalog.collections import Collections
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
    buckets = {bucket for record in collections for bucket in record.source_bucket_ids}
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
        fields = written_fields(record)
        # The other definition may have gone since: then there is no name to tell.
        return _field_taken(record, fields, _writer(table, record, fields) or {})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Looks up what definitions of a namespace name; ``find`` raises ClusterNotFound."""

    scope: Scope
    find: Callable[[str], ClusterRecord]
    collections: Collections

    def of(
        self, request: CreateClusterRequest, *, itself: str | None = None
    ) -> tuple[CreateClusterRequest, list[CollectionRecord]]:
        """The request as it is to be kept, and its collections.

        ``itself`` is the definition by id or name, where it is there already.  Raises
        CollectionNotFound, ClusterNotFound, and InvalidDefinition for sources that do not fit.
        """
        given = self.collections.resolve(self.scope, request.collection_ids or ())
        if request.source_cluster_ids is None:
            return request, given
        composed = self._composed(request, itself)
        of_sources = self.collections.resolve(self.scope, composed.collection_ids or ())
        _check_given(given, of_sources)
        return composed, of_sources

    def patched(self, record: ClusterRecord, patch: PatchClusterRequest) -> CreateClusterRequest:
        """The definition with the patch applied; raises like ``of``."""
        changed = patched(record.spec, patch)
        if patch.source_cluster_ids is None:
            if changed.source_cluster_ids is not None:
                check_composes(record.name, changed)
            return changed
        if record.spec.source_cluster_ids is None:
            message = (
                f"{record.name!r} reads collections and has no source_cluster_ids: create a "
                "composite definition"
            )
            raise InvalidDefinition(message)
        return self._composed(changed, record.cluster_id)

    def _composed(self, request: CreateClusterRequest, itself: str | None) -> CreateClusterRequest:
        """With its sources by id, their collections and, without a config, their features."""
        sources = self._sources(request, itself)
        title, first = request.cluster_name or "the definition", sources[0]
        for source in sources:
            require_centroids(source.name, source.resolved())
        config = request.vector_config or inherited(first.resolved().vectors)
        for source in sources:
            check_alike(title, config, source.name, source.resolved().vectors)
        ids = (name for source in sources for name in source.spec.collection_ids or ())
        composed = request.model_copy(
            update={
                "source_cluster_ids": [source.cluster_id for source in sources],
                "collection_ids": list(dict.fromkeys(ids)),
                "vector_config": config,
            }
        )
        check_composes(title, composed)
        return composed

    def _sources(
        self, request: CreateClusterRequest, itself: str | None
    ) -> Sequence[ClusterRecord]:
        records = map(self.find, request.source_cluster_ids or ())
        sources = {record.cluster_id: record for record in records}
        if itself is not None:
            _refuse_cycle(self.find(itself), self._all_below(sources.values()))
        return list(sources.values())

    def _all_below(self, records: Iterable[ClusterRecord]) -> Iterator[ClusterRecord]:
        """These, their sources, the sources of those: each once, as far as they are there."""
        pending, seen = list(records), set[str]()
        while pending:
            record = pending.pop()
            if record.cluster_id not in seen:
                seen.add(record.cluster_id)
                yield record
                for source in record.spec.source_cluster_ids or ():
                    with suppress(ClusterNotFound):
                        pending.append(self.find(source))


def _refuse_cycle(itself: ClusterRecord, below: Iterable[ClusterRecord]) -> None:
    if any(source.cluster_id == itself.cluster_id for source in below):
        message = f"{itself.name!r} would group its own groups: choose sources that do not use it"
        raise InvalidDefinition(message)


def _check_given(given: Sequence[CollectionRecord], of_sources: Sequence[CollectionRecord]) -> None:
    named, read = ({record.collection_id for record in part} for part in (given, of_sources))
    if named and named != read:
        message = (
            "collection_ids of a composite definition are those of its sources "
            f"({', '.join(sorted(read))}): leave it out"
        )
        raise InvalidDefinition(message)


def listening(
    batches: Batches,
    spec: CreateClusterRequest,
    scope: Scope,
    *,
    before: ClusterRecord | None = None,
) -> Automation:
    """Batches that were completed before it listened to a collection make nothing due."""
    automation = before.state.automation if before else Automation()
    heard = before is not None and before.spec.auto_execute_on_batch
    known = set(before.spec.collection_ids or ()) if before and heard else set()
    fresh = [name for name in spec.collection_ids or () if name not in known]
    if not spec.auto_execute_on_batch or not fresh:
        return automation
    settled = automation.settled | batches.completed(scope, fresh)
    return automation.model_copy(update={"settled": settled})
