"""What waits in the orchestrator's queue, as it was at the last look."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from clustering_pipeline.model.executions.task import QueuedRun
from clustering_pipeline.stores.catalog.table import Duplicate, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Runs that nobody has begun, of all namespaces."""

    table: Table

    def run_ids(self) -> set[str]:
        """Those that are known to wait."""
        return {str(one["_id"]) for one in self.table.find({}, fields=["_id"])}

    def add(self, runs: Iterable[QueuedRun]) -> None:
        """Notes that they wait; may be repeated."""
        for one in runs:
            try:
                self.table.insert({"_id": one.run_id, **one.model_dump(mode="json")})
            except Duplicate:
                continue

    def remove(self, run_ids: Collection[str]) -> None:
        """Notes that they wait no longer."""
        if run_ids:
            self.table.delete({"_id": {"$in": sorted(run_ids)}})

    def of_task(self, task_id: str) -> QueuedRun | None:
        """The run of a task that waits, if one does."""
        found = self.table.find_one({"task_id": task_id})
        return None if found is None else QueuedRun.model_validate(found)

    def of_definition(self, cluster_id: str) -> QueuedRun | None:
        """The run of a definition that waits, the one that waits longest if there are several."""
        found = self.table.find_one({"cluster_id": cluster_id}, sort=[("number", 1)])
        return None if found is None else QueuedRun.model_validate(found)

    def position(self, run: QueuedRun) -> int:
        """Its place, the first being 1.  Limits may let one behind it go before it."""
        before: list[dict[str, Any]] = [
            {"priority": {"$gt": run.priority}},
            {"priority": run.priority, "number": {"$lt": run.number}},
        ]
        return 1 + self.table.count({"$or": before})
