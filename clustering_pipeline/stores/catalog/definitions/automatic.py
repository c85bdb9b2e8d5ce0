"""Definitions that run by themselves, ten thousand in one read: plain values, nothing validated."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.automation import (
    DEFAULT_THRESHOLDS,
    Assigned,
    AutomaticDefinition,
    FullRunThresholds,
)
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.scope import Owner, Scope
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.times import iso
from clustering_pipeline.stores.catalog.definitions import applications
from clustering_pipeline.stores.catalog.definitions.clusters import Clusters
from clustering_pipeline.stores.catalog.definitions.documents import from_document
from clustering_pipeline.stores.catalog.table import ids_within, within

_FIELDS = (
    "organization_id",
    "namespace_id",
    "spec.cluster_name",
    "spec.collection_ids",
    "spec.source_cluster_ids",
    "spec.auto_execute_min_documents",
    "spec.auto_execute_cooldown_seconds",
    "spec.auto_execute_mode",
    "spec.auto_execute_full_run",
    "state.automation",
    "state.last_attempt_id",
    "state.last_run_id",
    "state.archived_at",
    "claim.run_id",
)
_OF_A_SOURCE = ("spec.cluster_name", "state.last_run_id", "claim.run_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """When a definition runs among those that wait for the same batch."""

    phase: int = 2
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A definition whose groups a composite one groups, as far as that matters for when."""

    name: str
    published: str | None
    """Its published run."""
    holder: str | None
    """The run that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Automations:
    """The definitions that completed batches make due, over all namespaces."""

    clusters: Clusters

    def definitions(self, scope: Scope | None = None) -> list[AutomaticDefinition]:
        """All of them that are not archived, or those of one namespace."""
        of = {} if scope is None else within(scope)
        query = {**of, "spec.auto_execute_on_batch": True, "state.archived_at": None}
        return [_automatic(row) for row in self.clusters.table.find(query, fields=_FIELDS)]

    def sources(self, cluster_ids: Collection[str]) -> dict[str, Source]:
        """Those of the definitions that are there, by id."""
        if not cluster_ids:
            return {}
        query = {"_id": {"$in": sorted(cluster_ids)}}
        rows = self.clusters.table.find(query, fields=_OF_A_SOURCE)
        return {
            row["_id"]: Source(
                name=row["spec"].get("cluster_name") or row["_id"],
                published=row["state"].get("last_run_id"),
                holder=(row.get("claim") or {}).get("run_id"),
            )
            for row in rows
        }

    def places(self) -> dict[str, Place]:
        """Definition to the earliest phase and the highest priority any collection gives it.

        Only those that are not where all are by default.
        """
        rows = self.clusters.collections.table.find(_ARRANGED, fields=["cluster_applications"])
        places: dict[str, Place] = {}
        for entry in (entry for row in rows for entry in row["cluster_applications"]):
            before = places.get(entry["cluster_id"])
            phase, priority = entry["execution_phase"], entry["priority"]
            if before is not None:
                phase, priority = min(phase, before.phase), max(priority, before.priority)
            places[entry["cluster_id"]] = Place(phase=phase, priority=priority)
        return places

    def arrange(
        self,
        scope: Scope,
        collection: str,
        cluster_id: str,
        *,
        phase: int | None = None,
        priority: int | None = None,
    ) -> CollectionRecord:
        """Changes that place; raises StateConflict if it does not listen to the collection."""
        return applications.arrange(
            self.clusters.collections, scope, collection, cluster_id, phase=phase, priority=priority
        )

    def held(self) -> list[ClusterRecord]:
        """The definitions that a run holds."""
        rows = self.clusters.table.find({"claim.run_id": {"$exists": True}})
        return [from_document(row) for row in rows]

    def in_service(self, cluster_ids: Collection[str]) -> set[str]:
        """Those of them that are there and not archived."""
        return self._among(cluster_ids)

    def idle(self, cluster_ids: Collection[str]) -> set[str]:
        """Those of them that are in service and that no run holds."""
        return self._among(cluster_ids, claim=None)

    def _among(self, cluster_ids: Collection[str], **facts: object) -> set[str]:
        if not cluster_ids:
            return set()
        query = {"_id": {"$in": list(cluster_ids)}, "state.archived_at": None, **facts}
        return {row["_id"] for row in self.clusters.table.find(query, fields=["_id"])}

    def beat(self, run_id: str) -> None:
        """A run says that it is alive, if it holds a definition, or several."""
        beat = {"claim.beat_at": iso(self.clusters.clock())}
        held = {"claim.run_id": ids_within(run_id)}
        self.clusters.table.change_all(held, {"$set": beat})

    def wait(self, cluster_id: str, owner: Owner, *, queue: str) -> None:
        """The run that ``owner`` prepared waits in a queue from now on, unless it has begun."""
        held = {"_id": cluster_id, "claim.run_id": owner.run_id, "claim.pid": owner.pid}
        waits = {
            "claim.waits_in": queue,
            "state.status": ClusterStatus.QUEUED.value,
            "state.task_id": owner.task_id,
        }
        self.clusters.table.swap(held, {"$set": waits})

    def with_status(self, statuses: Iterable[ClusterStatus]) -> dict[str, ClusterStatus]:
        """The definitions whose last execution is in one of these states."""
        query = {"state.status": {"$in": [status.value for status in statuses]}}
        rows = self.clusters.table.find(query, fields=["state.status"])
        return {row["_id"]: ClusterStatus(row["state"]["status"]) for row in rows}

    def archive(self, scope: Scope, identifier: str) -> ClusterRecord:
        """Takes a definition out of service: it is never due, and cannot be executed."""
        record = self.clusters.get(scope, identifier)
        if record.state.archived_at is not None:
            return record
        since = self.clusters.clock()
        return self.clusters.revise(record.cluster_id, lambda _record: {"archived_at": since})

    def unarchive(self, scope: Scope, identifier: str) -> ClusterRecord:
        """Takes it into service again; raises ClusterNotFound, as ``archive`` does."""
        record = self.clusters.get(scope, identifier)
        return self.clusters.revise(record.cluster_id, lambda _record: {"archived_at": None})


_ARRANGED = {
    "cluster_applications": {
        "$elemMatch": {"$or": [{"execution_phase": {"$ne": 2}}, {"priority": {"$ne": 0}}]}
    }
}


def automatic_of(record: ClusterRecord) -> AutomaticDefinition:
    """One definition as those are that are read by the thousand."""
    return _automatic({"_id": record.cluster_id, **record.model_dump(mode="json")})


def _automatic(document: Mapping[str, Any]) -> AutomaticDefinition:
    spec, state = document["spec"], document["state"]
    automation = state.get("automation") or {}
    return AutomaticDefinition(
        cluster_id=document["_id"],
        name=spec.get("cluster_name") or document["_id"],
        scope=Scope(
            organization_id=document["organization_id"], namespace_id=document["namespace_id"]
        ),
        collection_ids=tuple(spec.get("collection_ids") or ()),
        source_ids=tuple(spec.get("source_cluster_ids") or ()),
        grouped=frozenset(automation.get("grouped") or ()),
        mode=spec.get("auto_execute_mode") or "full",
        thresholds=_thresholds(spec.get("auto_execute_full_run")),
        published=state.get("last_run_id"),
        assigned=_assigned(automation.get("assigned")),
        full_run_at=_moment(automation.get("full_run_at")),
        min_documents=spec.get("auto_execute_min_documents"),
        cooldown_seconds=spec.get("auto_execute_cooldown_seconds", 3600),
        settled=automation.get("settled") or {},
        batch_run_at=_moment(automation.get("batch_run_at")),
        failures=automation.get("failures") or 0,
        failed_at=_moment(automation.get("failed_at")),
        failed_in_full=bool(automation.get("failed_in_full")),
        last_attempt_id=state.get("last_attempt_id"),
        holder=(document.get("claim") or {}).get("run_id"),
        archived=state.get("archived_at") is not None,
    )


def _thresholds(given: Mapping[str, Any] | None) -> FullRunThresholds:
    return FullRunThresholds.model_construct(**given) if given else DEFAULT_THRESHOLDS


def _assigned(given: Mapping[str, Any] | None) -> Assigned | None:
    return None if given is None else Assigned.model_construct(**given)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
