"""Where the embedded Dagster keeps what its runs tell: one file for all of them.

By default Dagster makes a database a run, which costs every run half a second before it is even
queued; in one file it costs a tenth of that.
"""

import fcntl
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import local

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from clustering_pipeline.defs.instance.internals import (
    SQLITE_BUSY_TIMEOUT_SECONDS,
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    EventLogEntry,
    create_engine,
)

FOLDER = "events"
# Dagster hands over several events at once only where this variable says how many.
BATCHES = {"DAGSTER_EVENT_BATCH_SIZE": "100"}


class _Writing(local):
    """The transaction that this thread has begun."""

    connection: Connection | None = None


class EventLog(ConsolidatedSqliteEventLogStorage):
    """Dagster's own, which writes an event, or several that belong together, in one transaction.

    It is made by one process at a time: several start together with a fresh home.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        """``base_dir`` is the Dagster home, in which it gets a folder."""
        self._writing = _Writing()
        folder = Path(base_dir) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(str(folder), inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Writes one event, and what follows from it."""
        with self._transaction():
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Writes all of them, or none."""
        with self._transaction():
            for event in events:
                super().store_event(event)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._connect() as connection:
            before, self._writing.connection = self._writing.connection, connection
            try:
                yield
            finally:
                self._writing.connection = before

    @contextmanager
    def _connect(self) -> Generator[Connection]:
        if self._writing.connection is not None:
            yield self._writing.connection
            return
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @cached_property
    def _engine(self) -> Engine:
        # Without a pool no connection outlives a fork; statements are compiled once, though.
        wait = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        return create_engine(self._conn_string, poolclass=NullPool, connect_args=wait)
