"""Whoever hands runs to the orchestrator: ``defs`` has those there are, and a test its own."""

from typing import Protocol

from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.service.executions.finish import RunEnd


class Launched(Protocol):
    """A run that was handed over."""

    @property
    def run_id(self) -> str:
        """The execution's id."""
        ...

    @property
    def waits_in(self) -> str | None:
        """The queue that it was put into, to go on without this process; None for a process of
        its own, which whoever started it sees to its end.
        """
        ...

    @property
    def place(self) -> str:
        """Where what the run tells is to be read, in words."""
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

    def start(self, execution: ExecutionRecord) -> Launched:
        """Hands over the run of an execution that is in the catalog already."""
        ...

    def cancel(self, dagster_run_id: str) -> str | None:
        """Takes a run out of the queue, or notes that it is to end if it has left the queue.

        Returns the first of the runs that it retries, itself if it retries none; None when it has
        ended, or is unknown, and stays as it is.
        """
        ...

    def terminate(self, dagster_run_id: str) -> None:
        """Tells the processes of a run, wherever they are, to stop; may be repeated."""
        ...

    def missing(self) -> str | None:
        """What runs that were handed over wait for besides their turn, as a sentence; None if
        nothing keeps them.
        """
        ...
