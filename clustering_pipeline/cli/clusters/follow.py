"""Executes a definition in a process of its own and shows how far it is."""

import time
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from clustering_pipeline.cli.session import Session
from clustering_pipeline.cli.terminal.output import Show, live_bar, note
from clustering_pipeline.model.definitions.execute import (
    RENAME,
    ExecuteClusterByIdRequest,
    Plan,
    RunPlan,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import ExecutionInFlight, RunFailed
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.service.executions.launch import (
    POLL_SECONDS,
    attended,
    launch,
    launch_rename,
    watch_to_end,
)
from clustering_pipeline.service.executions.launcher import Launched
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.stores.catalog import Catalog


def execute_and_follow(
    session: Session, cluster: str, overrides: Mapping[str, Any], *, full: bool = False
) -> ExecutionRecord:
    """Waits for the end; raises what the run failed with.

    Where nothing but the labelling differs from the published run, only labels are made again,
    unless ``full`` is asked for.
    """
    request = validate(ExecuteClusterByIdRequest, overrides)
    catalog = session.pipeline.catalog
    plan = "full" if full else plan_for(session, cluster, request)
    launched = launch(session.launcher, catalog, session.scope, cluster, request, plan=plan)
    return _attended(launched, catalog, plan)


def rename(session: Session, cluster_id: str, uids: Collection[str]) -> ExecutionRecord | None:
    """Puts new names of groups where readers find them, after the run under way, if there is one;
    None where they bear them already, and nothing was run.
    """
    waits = False
    while True:
        try:
            launched = launch_rename(session.launcher, session.pipeline, cluster_id, uids)
        except ExecutionInFlight:
            if not waits:
                note("names follow when the run under way has ended")
            waits = True
            time.sleep(POLL_SECONDS)
            continue
        if launched is None:
            return None
        return _attended(launched, session.pipeline.catalog, RENAME)


def _attended(launched: Launched, catalog: Catalog, plan: RunPlan) -> ExecutionRecord:
    # Ctrl-C may come at any moment from the launch on.
    with attended(launched, catalog):
        _watched(launched, catalog, plan)
    execution = catalog.executions.by_id(launched.run_id)
    if execution.status is not ExecutionStatus.COMPLETED:
        raise RunFailed(execution.whole_error or f"{execution.run_id} was cancelled")
    return execution


def _watched(launched: Launched, catalog: Catalog, plan: RunPlan) -> None:
    if plan == "relabel":
        note("nothing but labels can differ from the published run: labelling alone (--full)")
    note(f"{launched.run_id} ({launched.place})")
    seen: dict[str, int] = {}
    with live_bar() as show:
        watch_to_end(launched, catalog, partial(_watch, show, seen))


def _watch(show: Show, seen: dict[str, int], execution: ExecutionRecord) -> None:
    """Shows how far the run is; ``seen`` counts the notes of each stage that were shown before."""
    progress = execution.progress
    if progress is not None:
        for sentence in progress.notes[seen.get(progress.stage, 0) :]:
            note(sentence)
        seen[progress.stage] = len(progress.notes)
        waiting = f" (waiting for {progress.waiting_for})" if progress.waiting_for else ""
        show(f"{progress.stage}{waiting}", progress.done, progress.total)
    elif execution.started_at is None:
        show("waiting to start", 0, None)


def foresee(
    session: Session, cluster: str, overrides: Mapping[str, Any], *, full: bool = False
) -> dict[str, object]:
    """The plan of an execution and what its labels would take; nothing is run."""
    from clustering_pipeline.service.results.label_estimate import estimate_labels  # noqa: PLC0415

    request = validate(ExecuteClusterByIdRequest, overrides)
    plan = "full" if full else plan_for(session, cluster, request)
    record = session.pipeline.catalog.clusters.get(session.scope, cluster)
    return estimate_labels(session.pipeline, record.resolved(request), plan=plan)


def plan_for(session: Session, cluster: str, request: ExecuteClusterByIdRequest) -> Plan:
    """How much of the graph the execution needs; raises ClusterNotFound and InvalidRequest."""
    record = session.pipeline.catalog.clusters.get(session.scope, cluster)
    return plan_of(session.pipeline, record.resolved(request))
