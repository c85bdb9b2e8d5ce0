"""What people want of the groups of a definition, what each run did to them, and what models
answered that named them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.group_edits import ClusterEdits, EditsRecord
from clustering_pipeline.model.executions.lineage import RunLineage
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.table import Table, change, within


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """One overlay a definition, replaced whole."""

    table: Table
    clock: Clock

    def get(self, cluster_id: str) -> EditsRecord:
        """The overlay; an empty one where nobody made any."""
        document = self.table.find_one({"_id": cluster_id})
        return EditsRecord.model_validate(document or {"cluster_id": cluster_id})

    def put(self, cluster_id: str, edits: ClusterEdits) -> EditsRecord:
        """Replaces the overlay."""
        fields = {"edits": edits.model_dump(mode="json"), "updated_at": self.clock().isoformat()}
        changes = {"$set": {"cluster_id": cluster_id, **fields}, "$inc": {"version": 1}}
        return EditsRecord.model_validate(
            self.table.swap({"_id": cluster_id}, changes, upsert=True)
        )

    def rename(self, cluster_id: str, names: Mapping[str, str]) -> EditsRecord:
        """Names groups by uid, beside those that have names; an empty one takes a name back.

        Raises InvalidRequest for more names than edits hold.
        """
        query = {"_id": cluster_id}
        new = EditsRecord(cluster_id=cluster_id).model_dump(mode="json")
        self.table.swap(query, {"$setOnInsert": new}, upsert=True)
        return change(
            self.table,
            query,
            decode=EditsRecord.model_validate,
            encode=_to_update,
            missing=InvalidRequest(f"{cluster_id} has no edits: name its groups again"),
            edit=lambda record: _renamed(record, names, self.clock()),
        )

    def delete(self, cluster_id: str) -> int:
        """Forgets the overlay of a definition."""
        return self.table.delete({"_id": cluster_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineages:
    """One record a run, kept for as long as its execution."""

    table: Table

    def keep(self, lineage: RunLineage) -> None:
        """Stores what a run did, in place of what it said before."""
        fields = {**lineage.model_dump(mode="json"), **lineage.scope.fields()}
        self.table.swap({"_id": lineage.run_id}, {"$set": fields}, upsert=True)

    def find(self, run_id: str) -> RunLineage | None:
        """What one run did."""
        return self.table.first({"_id": run_id}, RunLineage.model_validate)

    def of(self, cluster_id: str) -> list[RunLineage]:
        """What the runs of a definition did, newest first; those never published too."""
        rows = self.table.find({"cluster_id": cluster_id}, sort=[("created_at", -1), ("_id", -1)])
        return [RunLineage.model_validate(row) for row in rows]

    def delete_of(self, cluster_id: str) -> int:
        """Forgets all runs of a definition."""
        return self.table.delete({"cluster_id": cluster_id})


def _renamed(record: EditsRecord, names: Mapping[str, str], now: datetime) -> EditsRecord:
    given = {uid: name for uid, name in {**record.edits.rename, **names}.items() if name}
    if given == record.edits.rename:
        return record
    edits = validate(ClusterEdits, record.edits.model_dump() | {"rename": given})
    return record.model_copy(update={"edits": edits, "updated_at": now})


def _to_update(record: EditsRecord) -> dict[str, Any]:
    fields = record.model_dump(mode="json", exclude={"version"})
    return {"$set": fields, "$inc": {"version": 1}}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnswers:
    """Answers by the key of their content; MongoDB removes those that have expired."""

    table: Table
    clock: Clock

    def find(self, scope: Scope, keys: Collection[str], *, seconds: int) -> dict[str, str]:
        """The answers to some of ``keys`` that are younger than ``seconds``."""
        now = self.clock()
        fresh = {
            "key": {"$in": sorted(keys)},
            "made_at": {"$gt": now - timedelta(seconds=seconds)},
            # MongoDB looks for expired ones once a minute.
            "expires_at": {"$gt": now},
        }
        return {row["key"]: row["answer"] for row in self.table.find(within(scope, **fresh))}

    def keep(self, scope: Scope, answers: Mapping[str, str], *, seconds: int) -> None:
        """Keeps answers for ``seconds``, in place of earlier ones to the same."""
        now = self.clock()
        for key, answer in answers.items():
            times = {"made_at": now, "expires_at": now + timedelta(seconds=seconds)}
            record = within(scope, key=key, answer=answer, **times)
            identifier = f"{scope.organization_id}/{scope.namespace_id}/{key}"
            self.table.swap({"_id": identifier}, {"$set": record}, upsert=True)
