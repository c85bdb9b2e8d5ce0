"""Whoever hands runs to the orchestrator: ``defs`` has those there are, and a test its own."""

from pathlib import Path
from typing import Protocol

from clustering_pipeline.model.definitions.execute import RunPlan
from clustering_pipeline.service.executions.begin import RunIdentity
from clustering_pipeline.service.executions.finish import RunEnd


class Launched(Protocol):
    """A run that was handed over."""

    @property
    def run_id(self) -> str:
        """The execution's id."""
        ...

    @property
    def log(self) -> Path:
        """The file that holds what the run tells."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing of it goes on."""
        ...

    def wait(self) -> None:
        """Returns when it is over."""
        ...

    def stop(self) -> None:
        """Cancels the run and awaits its end."""
        ...

    def await_end(self) -> None:
        """Waits for the end of a run that was told to stop; after a while it is ended by force."""
        ...

    def end(self, *, canceled: bool) -> RunEnd:
        """How the run, which is over, ended; the orchestrator knows of it from now on.

        ``canceled`` says what became of a run that the orchestrator never heard of.
        """
        ...


class Launcher(Protocol):
    """What the service asks of the orchestrator."""

    def start(self, cluster_id: str, identity: RunIdentity, plan: RunPlan) -> Launched:
        """Hands over a run of the definition, whose execution is in the catalog already."""
        ...

    def cancel(self, dagster_run_id: str) -> None:
        """Notes that the run is to end; one that has ended, or is unknown, stays as it is."""
        ...

    def dequeue(self, dagster_run_id: str) -> str | None:
        """Takes a run out of the queue, or cancels it if it has left the queue.

        Returns the first of the runs that it retries, itself if it retries none; None when it has
        ended, or is unknown.
        """
        ...
