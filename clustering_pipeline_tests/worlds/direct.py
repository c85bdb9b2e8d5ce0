"""Executions without Dagster: the stages one after the other, as a run's process does them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import RENAME, ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution, open_run
from clustering_pipeline.service.executions.finish import RunEnd, complete
from clustering_pipeline.service.executions.launch import new_identity

RELABEL = ("definition", "cluster_labels", "published", "enriched_documents")


def nothing(_stage: str) -> None:
    """Nobody wants to be told."""


def execute(
    pipeline: Pipeline,
    cluster: ClusterRecord,
    *,
    stages: Iterable[str] | None = None,
    before: Callable[[str], None] = nothing,
    **overrides: Any,
) -> ExecutionRecord:
    """Runs a definition to its end; ``before`` is told each stage as it begins."""
    given = uuid4().hex
    identity = RunIdentity(dagster_run_id=given, root_run_id=given)
    record = pipeline.catalog.clusters.by_id(cluster.cluster_id)
    request = validate(ExecuteClusterByIdRequest, overrides)
    made = new_execution(record, identity, record.resolved(request))
    pipeline.catalog.executions.begin(made)
    return _worked(pipeline, cluster.cluster_id, identity, stages, before)


def _worked(
    pipeline: Pipeline,
    cluster_id: str,
    identity: RunIdentity,
    stages: Iterable[str] | None,
    before: Callable[[str], None] = nothing,
) -> ExecutionRecord:
    for stage in STAGES:
        if stages is None or stage.name in stages:
            before(stage.name)
            stage.work(open_run(pipeline, cluster_id, identity, stage=stage.name))
    complete(pipeline.catalog, identity.run_id)
    return pipeline.catalog.executions.by_id(identity.run_id)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that was over when it had been handed over."""

    run_id: str
    place: str = "nowhere"
    waits_in: str | None = None
    is_over: bool = True

    def wait(self) -> None:
        """It is over."""

    def stop(self) -> None:
        """It is over."""

    def await_end(self) -> None:
        """It is over."""

    def end(self, *, canceled: bool) -> RunEnd:
        """As runs end that nobody disturbs."""
        return RunEnd(outcome="canceled" if canceled else "succeeded")


@dataclass(frozen=True, kw_only=True)
class DirectLauncher:
    """Runs in this process, at once; ``before`` is told each stage as it begins."""

    pipeline: Pipeline
    before: Callable[[str], None] = nothing

    def start(self, execution: ExecutionRecord) -> Ended:
        """Does it all; raises what the run fails with."""
        stages = RELABEL if execution.plan in {"relabel", RENAME} else None
        identity = new_identity(execution.dagster_run_id)
        _worked(self.pipeline, execution.cluster_id, identity, stages, self.before)
        return Ended(run_id=execution.run_id)

    def cancel(self, dagster_run_id: str) -> str | None:
        """Nothing waits, and nothing goes on."""

    def terminate(self, dagster_run_id: str) -> None:
        """Nothing goes on."""

    def missing(self) -> str | None:
        """Nothing waits."""
