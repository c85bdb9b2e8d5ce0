"""The code location, with runs that die (SIGKILL) at the assets that a test wrote down.

In the folder ``CLUSTERING_TEST_DEATHS`` a file named after a definition holds a line for each of
its runs that is to die: ``published begun``, or ``published done``, which is when the asset's work
is over and Dagster does not know it yet.
"""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import monitoring

from clustering_pipeline.definitions import defs

__all__ = ["defs"]

DEATHS = "CLUSTERING_TEST_DEATHS"


@dataclass
class Reaper(monitoring.CommandListener):
    """Hears from what a run writes to the catalog how far it is."""

    folder: Path
    last: str | None = None
    """Where this run dies."""
    reached: dict[int, str] = field(default_factory=dict)

    def started(self, event: Any) -> None:
        changes = event.command.get("update", {})
        if event.command_name != "findAndModify" or "$set" not in changes:
            return
        self._meet(event.command["query"].get("_id"), changes["$set"].get("claim"))
        if place := _place(changes["$set"]):
            self.reached[event.request_id] = place

    def succeeded(self, event: Any) -> None:
        if self.last is not None and self.reached.pop(event.request_id, None) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def failed(self, event: Any) -> None:
        self.reached.pop(event.request_id, None)

    def _meet(self, cluster_id: str | None, claim: Any) -> None:
        """A run takes hold of a definition: whether it is one that dies."""
        file = self.folder / str(cluster_id)
        if claim is None or self.last is not None or not file.exists():
            return
        self.last, *others = file.read_text().splitlines()
        file.write_text("\n".join(others)) if others else file.unlink()


def _place(written: dict[str, Any]) -> str | None:
    if progress := written.get("view.progress"):
        return f"{progress['stage']} begun"
    stages = written.get("view", {}).get("stages")
    return f"{stages[-1]['name']} done" if stages else None


if DEATHS in os.environ:
    monitoring.register(Reaper(Path(os.environ[DEATHS])))
