"""What people want of the groups of a definition, and what each run did to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.group_edits import ClusterEdits, EditsRecord
from clustering_pipeline.model.executions.lineage import RunLineage
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.table import Table, change


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """One overlay a definition, replaced whole."""

    table: Table
    clock: Clock

    def get(self, cluster_id: str) -> EditsRecord:
        """The overlay; an empty one where nobody made any."""
        found = self.table.find_one({"_id": cluster_id})
        return EditsRecord.model_validate(found or {"cluster_id": cluster_id})

    def put(self, cluster_id: str, edits: ClusterEdits) -> EditsRecord:
        """Replaces the overlay."""
        kept = {"edits": edits.model_dump(mode="json"), "updated_at": self.clock().isoformat()}
        changes = {"$set": {"cluster_id": cluster_id, **kept}, "$inc": {"version": 1}}
        found = self.table.swap({"_id": cluster_id}, changes, upsert=True)
        return EditsRecord.model_validate(found)

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
        found = self.table.find_one({"_id": run_id})
        return None if found is None else RunLineage.model_validate(found)

    def of(self, cluster_id: str) -> list[RunLineage]:
        """What the runs of a definition did, newest first; those never published too."""
        found = self.table.find({"cluster_id": cluster_id}, sort=[("created_at", -1), ("_id", -1)])
        return [RunLineage.model_validate(row) for row in found]

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
    kept = record.model_dump(mode="json", exclude={"version"})
    return {"$set": kept, "$inc": {"version": 1}}
