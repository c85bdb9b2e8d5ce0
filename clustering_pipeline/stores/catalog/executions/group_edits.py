"""The overlays that people keep over the groups of definitions."""

from dataclasses import dataclass

from clustering_pipeline.model.executions.group_edits import ClusterEdits, EditsRecord
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.mongo.table import Table


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

    def delete(self, cluster_id: str) -> int:
        """Forgets the overlay of a definition."""
        return self.table.delete({"_id": cluster_id})
