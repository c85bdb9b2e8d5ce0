"""Executes a definition in a process of its own and shows how far it is."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from clustering_pipeline.cli.output import note
from clustering_pipeline.cli.progress import Show, live_bar
from clustering_pipeline.cli.session import Session
from clustering_pipeline.model.definition import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import RunFailed
from clustering_pipeline.model.execution import ExecutionRecord
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.validation import validate
from clustering_pipeline.orchestration.launch import follow, launch


def execute_and_follow(
    session: Session, cluster: str, overrides: Mapping[str, Any]
) -> ExecutionRecord:
    """Waits for the end; raises what the run failed with."""
    request = validate(ExecuteClusterByIdRequest, overrides)
    launched = launch(session.settings, session.pipeline.catalog, session.scope, cluster, request)
    note(f"{launched.run_id} (log: {launched.log})")
    with live_bar() as show:
        execution = follow(launched, session.pipeline.catalog, partial(_watch, show))
    if execution.status is not ExecutionStatus.COMPLETED:
        raise RunFailed(execution.error_message or f"{execution.run_id} was cancelled")
    return execution


def _watch(show: Show, execution: ExecutionRecord) -> None:
    if execution.progress is not None:
        show(execution.progress.stage, execution.progress.done, execution.progress.total)
