"""Executes a definition in a process of its own and shows how far it is."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from clustering_pipeline.cli.output import note
from clustering_pipeline.cli.session import Session
from clustering_pipeline.model.definition import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import RunFailed
from clustering_pipeline.model.execution import ExecutionRecord
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.validation import validate
from clustering_pipeline.orchestration.launch import Watch, follow, launch


def execute_and_follow(
    session: Session, cluster: str, overrides: Mapping[str, Any]
) -> ExecutionRecord:
    """Waits for the end; raises what the run failed with."""
    request = validate(ExecuteClusterByIdRequest, overrides)
    launched = launch(session.settings, session.pipeline.catalog, session.scope, cluster, request)
    note(f"{launched.run_id} (log: {launched.log})")
    with _progress() as watch:
        execution = follow(launched, session.pipeline.catalog, watch)
    if execution.status is not ExecutionStatus.COMPLETED:
        raise RunFailed(execution.error_message or f"{execution.run_id} was cancelled")
    return execution


@contextmanager
def _progress() -> Generator[Watch]:
    """A live bar on a terminal; nothing at all elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _execution: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)

        def show(execution: ExecutionRecord) -> None:
            now = execution.progress
            if now is not None:
                bar.update(task, description=now.stage, completed=now.done, total=now.total)

        yield show
