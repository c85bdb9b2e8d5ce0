"""What every command that touches data opens first."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.launcher import Launcher
from clustering_pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The settings in force, the stores behind them, and whose records a command sees."""

    settings: Settings
    pipeline: Pipeline
    scope: Scope

    @property
    def launcher(self) -> Launcher:
        """What runs are started with."""
        # Most commands start none, and Dagster takes a while to import.
        from clustering_pipeline.defs.instance.queue_launcher import launcher_of  # noqa: PLC0415

        return launcher_of(self.settings, self.pipeline)


@contextmanager
def open_session(settings: Settings | None = None) -> Generator[Session]:
    """Starts the embedded stack where no address is set; it ends with its last user.

    A command that reads the catalog alone does not wait for Qdrant.
    """
    settings = settings or Settings()
    with open_pipeline(settings) as pipeline:
        yield Session(settings=settings, pipeline=pipeline, scope=LOCAL)
