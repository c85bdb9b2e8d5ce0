"""What of Dagster has no public name, and what each stands in for."""

from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.target import ExecutableDefinition
from dagster._core.events.log import EventLogEntry
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    CodeLocationOrigin,
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.tags import TAGS_TO_MAYBE_OMIT_ON_RETRY
from dagster._serdes import ConfigurableClassData

__all__ = [
    "SQLITE_BUSY_TIMEOUT_SECONDS",
    # What of a run's tags is not for the run that repeats it.
    "TAGS_TO_MAYBE_OMIT_ON_RETRY",
    # The event log that dagster.yaml names: one file in place of one for each run.
    "ConfigurableClassData",
    "ConsolidatedSqliteEventLogStorage",
    # What starts runs on the daemon's own host, and whatever is made of it.
    "DefaultRunLauncher",
    "EventLogEntry",
    # What a sensor takes for a job: the type alone.
    "ExecutableDefinition",
    # A run that is put into the queue by no code server: where its job is, as those say it.
    "JobPythonOrigin",
    "ModuleCodePointer",
    # The one coordinator that takes a run without a workspace.
    "QueuedRunCoordinator",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "RepositoryPythonOrigin",
    # It names the instance's storage of runs, and with it the queue.
    "SqlRunStorage",
    "create_engine",
    "registered_location",
]


def registered_location(name: str) -> CodeLocationOrigin:
    """A code location that whoever runs the daemon loads, by its name there."""
    # Its class declares as fields what the abstract one has as properties.
    return RegisteredCodeLocationOrigin(name)  # ty: ignore[abstract-class-instantiation]
