"""Where the embedded Dagster keeps what its runs tell: one file for all of them.

By default Dagster makes a database a run, which costs every run half a second before it is even
queued; in one file it costs a tenth of that.
"""

import fcntl
from pathlib import Path

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

FOLDER = "events"


class EventLog(ConsolidatedSqliteEventLogStorage):
    """Dagster's own, made by one process at a time: several start together with a fresh home."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        """``base_dir`` is the Dagster home, in which it gets a folder."""
        folder = Path(base_dir) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(str(folder), inst_data)
