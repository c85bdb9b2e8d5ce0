"""Executions without Dagster: the stages one after the other, as a run's process does them."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution, open_run
from clustering_pipeline.service.executions.finish import complete

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
    for stage in STAGES:
        if stages is None or stage.name in stages:
            before(stage.name)
            stage.work(open_run(pipeline, cluster.cluster_id, identity, stage=stage.name))
    complete(pipeline.catalog, identity.run_id)
    return pipeline.catalog.executions.by_id(identity.run_id)
