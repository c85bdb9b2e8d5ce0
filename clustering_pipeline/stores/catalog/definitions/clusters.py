"""The stored definitions."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest, check_available
from clustering_pipeline.model.definitions.enrichment import check_targets
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.views import ClusterMetadata
from clustering_pipeline.model.errors import (
    ClusteringError,
    ClusterNotFound,
    InvalidRequest,
    NameTaken,
    StateConflict,
)
from clustering_pipeline.model.listing import (
    ClusterListStats,
    ListClustersRequest,
    ListClustersResponse,
)
from clustering_pipeline.model.scope import Owner, Scope
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.automation.batches import Batches
from clustering_pipeline.stores.catalog.collections import Collections
from clustering_pipeline.stores.catalog.definitions import applications, claims
from clustering_pipeline.stores.catalog.definitions.create import (
    Inputs,
    by_id,
    conflict,
    listening,
    new_cluster,
    output_names,
    require_fields,
    taken_by_others,
)
from clustering_pipeline.stores.catalog.definitions.documents import (
    from_document,
    to_document,
    to_update,
    with_state,
)
from clustering_pipeline.stores.catalog.executions.executions import Executions
from clustering_pipeline.stores.catalog.indexes import CLUSTERS_COVERED, CLUSTERS_ORDERED
from clustering_pipeline.stores.catalog.listing.fields import CLUSTER_FIELDS, Listed
from clustering_pipeline.stores.catalog.listing.page import Found, find_page, paginate
from clustering_pipeline.stores.catalog.listing.query import ListQuery
from clustering_pipeline.stores.catalog.table import (
    Duplicate,
    Query,
    Table,
    change,
    identified,
    within,
)

Edit = Callable[[ClusterRecord], ClusterRecord]
Revision = Callable[[ClusterRecord], Mapping[str, Any]]
"""Fields of ``ClusterState`` as they become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Definitions: what clients wrote and what runs found."""

    table: Table
    collections: Collections
    executions: Executions
    batches: Batches
    clock: Clock

    def create(self, scope: Scope, request: CreateClusterRequest) -> ClusterRecord:
        """Stores a definition and reserves its output collection.

        Raises CollectionNotFound, NameTaken, FieldTaken, NotAvailableYet, and InvalidRequest for
        more than a record can hold.
        """
        check_available(request)
        check_targets(request.source_enrichment_config)
        record = self._with_output(self._new(scope, request))
        try:
            self.table.insert(to_document(record))
        except InvalidRequest:
            self.collections.unreserve(record.cluster_id)
            raise
        except Duplicate as duplicate:
            self.collections.unreserve(record.cluster_id)
            raise conflict(self.table, record, duplicate) from duplicate
        applications.follow(self.collections, record)
        return record

    def apply(self, scope: Scope, request: CreateClusterRequest) -> ClusterRecord:
        """Makes the definition of that name what ``request`` says: creates it, or changes it."""
        name = str(request.cluster_name)
        query = within(scope, **{"view.cluster_name": name})
        if self.table.find_one(query) is None:
            with suppress(NameTaken):
                return self.create(scope, request)
        spec = by_id(*self._inputs(scope).of(request, itself=name))
        return self._redefine(query, _not_found(name), lambda _record: spec)

    def get(self, scope: Scope, identifier: str) -> ClusterRecord:
        """By id or name; raises ClusterNotFound."""
        query = _identified(scope, identifier)
        return self.table.record(query, from_document, _not_found(identifier))

    def by_id(self, cluster_id: str) -> ClusterRecord:
        """For runs and sensors, which know the id and no namespace; raises ClusterNotFound."""
        return self.table.record({"_id": cluster_id}, from_document, _not_found(cluster_id))

    def ids(self) -> list[str]:
        """The ids of all definitions, in order."""
        return [row["_id"] for row in self.table.find({}, sort=[("_id", 1)], fields=["_id"])]

    def unsettled(self) -> tuple[str, ...]:
        """The ids of definitions whose last run may have left something to be finished."""
        return tuple(str(row["_id"]) for row in self.table.find(UNSETTLED, fields=["_id"]))

    def using(self, scope: Scope, collection_id: str) -> list[str]:
        """The names of the definitions that read a collection."""
        query = within(scope, **{"view.input_collections": collection_id})
        rows = self.table.find(query, fields=["view.cluster_name"])
        return sorted(row["view"]["cluster_name"] for row in rows)

    def published_over(self, scope: Scope, collection_id: str) -> set[str]:
        """The published runs of the definitions that read a collection."""
        query = within(scope, **{"view.input_collections": collection_id})
        rows = self.table.find(query, fields=["view.last_run_id"])
        return {row["view"]["last_run_id"] for row in rows} - {None}

    def list(
        self, scope: Scope, request: ListClustersRequest, *, only: Collection[str] | None = None
    ) -> ListClustersResponse:
        """One page of the namespace's definitions, or of ``only`` these, and the sums over all."""
        ids = {} if only is None else {"_id": {"$in": sorted(only)}}
        question = ListQuery.of(request)
        page = find_page(_kind(self.table), within(scope, **ids), question)
        return ListClustersResponse(
            results=[ClusterMetadata.model_validate(view) for view in page.views],
            pagination=paginate(question, page, path="/v1/clusters"),
            total_count=page.total,
            stats=_stats(page),
        )

    def patch(self, scope: Scope, identifier: str, patch: PatchClusterRequest) -> ClusterRecord:
        """Changes the given fields; raises ClusterNotFound, NameTaken, InvalidRequest."""
        return self._redefine(
            _identified(scope, identifier),
            _not_found(identifier),
            lambda record: self._inputs(scope).patched(record, patch),
        )

    def delete(self, scope: Scope, identifier: str) -> ClusterRecord:
        """Forgets a definition and its executions, and returns what it was.

        Its artifacts and the output collections that were made are the caller's to remove.
        """
        record = self.get(scope, identifier)
        # The record goes last, so that an interrupted delete can be repeated.
        self.executions.delete_of(record.cluster_id)
        self.collections.unreserve(record.cluster_id)
        applications.remove(self.collections, record)
        if not self.table.delete({"_id": record.cluster_id}):
            raise _not_found(identifier)
        return record

    def update_state(self, cluster_id: str, **changes: Any) -> ClusterRecord:
        """Changes fields of ``ClusterState``."""
        return self.revise(cluster_id, lambda _record: changes)

    def revise(self, cluster_id: str, edit: Revision) -> ClusterRecord:
        """Changes fields of ``ClusterState`` by what they are."""
        return self._change(
            {"_id": cluster_id},
            _not_found(cluster_id),
            lambda record: self._stated(record, changes) if (changes := edit(record)) else record,
        )

    def finish(self, cluster_id: str, run_id: str, edit: Revision) -> bool:
        """Ends the hold of a run and says what came of it, in one write; False if it had none."""
        held = {"_id": cluster_id, "claim.run_id": run_id}

        def over(record: ClusterRecord) -> ClusterRecord:
            return self._stated(record, edit(record))

        with suppress(StateConflict):
            self._change(held, claims.lost(cluster_id, run_id), over, beside={"claim": None})
            return True
        return False

    def publish(self, cluster_id: str, run_id: str, **results: Any) -> ClusterRecord:
        """Makes a run the published one, with its ``results``, in one write.

        Readers see the run before it or this one, nothing between.  Raises StateConflict when the
        run does not hold the definition (it was cancelled, or taken over), RunCanceled when the
        definition was archived.
        """
        settled = {"status": ClusterStatus.COMPLETED, "error": None, "failure_category": None}
        changes = settled | {"completed_at": self.clock()} | results | {"last_run_id": run_id}
        return self._change(
            {"_id": cluster_id, "claim.run_id": run_id},
            claims.lost(cluster_id, run_id),
            lambda record: self._stated(claims.active(record), changes | _history(record, run_id)),
        )

    def written_by_others(
        self, record: ClusterRecord, collection_id: str, fields: Iterable[str]
    ) -> set[str]:
        """Those of the payload fields that another definition writes on the collection."""
        return taken_by_others(self.table, record, collection_id, fields)

    def require_fields(
        self, record: ClusterRecord, collection_id: str, fields: Iterable[str]
    ) -> None:
        """Raises FieldTaken when another definition writes one of the fields on the collection."""
        require_fields(self.table, record, collection_id, fields)

    def claim(
        self, cluster_id: str, owner: Owner, *, is_alive: Callable[[Owner], bool]
    ) -> Owner | None:
        """Holds the definition for one run; returns the dead owner it was taken over from, if any.

        Its execution is marked failed, category ``interrupted``.  Raises ExecutionInFlight when
        another run holds the definition and ``is_alive``, ClusterNotFound when there is none.
        """
        return claims.claim(
            self.table, self.executions, cluster_id, owner, is_alive=is_alive, clock=self.clock
        )

    def release(self, cluster_id: str, run_id: str) -> bool:
        """Ends the hold of a run; False when it had none."""
        return claims.release(self.table, cluster_id, run_id)

    def _inputs(self, scope: Scope) -> Inputs:
        return Inputs(scope=scope, find=partial(self.get, scope), collections=self.collections)

    def _new(self, scope: Scope, request: CreateClusterRequest) -> ClusterRecord:
        spec, collections = self._inputs(scope).of(request)
        record = new_cluster(scope, spec, collections, now=self.clock())
        baseline = listening(self.batches, record.spec, scope)
        return with_state(record, automation=baseline)

    def _with_output(self, record: ClusterRecord) -> ClusterRecord:
        ids, names = record.state.output_collection_ids, record.state.output_collection_names
        outputs = [] if record.spec.enriches else output_names(record)
        made = [
            self.collections.reserve(record.scope, record.cluster_id, name)
            for name in outputs[len(ids) :]
        ]
        if not made:
            return record
        return with_state(
            record,
            output_collection_ids=[*ids, *(collection.collection_id for collection in made)],
            output_collection_names=[*names, *(collection.collection_name for collection in made)],
        )

    def _redefined(self, record: ClusterRecord, spec: CreateClusterRequest) -> ClusterRecord:
        if spec == record.spec:
            return record
        check_available(spec)
        if spec.source_enrichment_config != record.spec.source_enrichment_config:
            check_targets(spec.source_enrichment_config)
        baseline = listening(self.batches, spec, record.scope, before=record)
        changed = record.model_copy(update={"spec": spec})
        return self._with_output(with_state(changed, updated_at=self.clock(), automation=baseline))

    def _redefine(
        self,
        query: Query,
        missing: ClusteringError,
        spec_of: Callable[[ClusterRecord], CreateClusterRequest],
    ) -> ClusterRecord:
        record = self._change(
            query, missing, lambda record: self._redefined(record, spec_of(record))
        )
        applications.follow(self.collections, record)
        return record

    def _stated(self, record: ClusterRecord, changes: Mapping[str, Any]) -> ClusterRecord:
        return with_state(record, **{"updated_at": self.clock(), **changes})

    def _change(
        self,
        query: Query,
        missing: ClusteringError,
        edit: Edit,
        *,
        beside: Mapping[str, Any] | None = None,
    ) -> ClusterRecord:
        return change(
            self.table,
            query,
            decode=from_document,
            encode=lambda record: to_update(record, beside or {}),
            missing=missing,
            edit=edit,
            conflict=lambda record, duplicate: conflict(self.table, record, duplicate),
        )


def _history(record: ClusterRecord, run_id: str) -> dict[str, list[str]]:
    runs = record.state.published_run_ids
    return {"published_run_ids": runs if run_id in runs else [*runs, run_id]}


def _identified(scope: Scope, identifier: str) -> dict[str, Any]:
    return identified(scope, identifier, id_key="_id", name_key="view.cluster_name")


def _not_found(identifier: str) -> ClusterNotFound:
    message = f"no cluster definition {identifier[:200]!r} here: list them to see those there are"
    return ClusterNotFound(message)


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


def _stats(page: Found) -> ClusterListStats:
    documents = int(page.summed("documents"))
    return ClusterListStats(
        total_clusters=page.total,
        total_documents=documents,
        avg_documents_per_cluster=documents / page.total if page.total else 0.0,
        clusters_by_status=page.counts,
    )


_SETTLED = (ClusterStatus.COMPLETED, ClusterStatus.COMPLETED_WITH_ERRORS, ClusterStatus.PENDING)

# Somebody holds it, dead or alive; its last run did not end well; or a write-back did not.
UNSETTLED: dict[str, Any] = {
    "$or": [
        {"claim": {"$ne": None}},
        {"state.status": {"$nin": [status.value for status in _SETTLED]}},
        {"state.documents_hold.1": {"$exists": True}},
    ]
}
