"""Checks: on the exported documents (a run that fails one clusters nothing), and on the result."""

import dagster as dg

from clustering_pipeline.defs.graph import Graph
from clustering_pipeline.defs.run_stage import identity_of, verify
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.pipeline.publishing.quality_gates import passed_over
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.export import CHECKS, Check


def build_checks(graph: Graph) -> list[dg.AssetChecksDefinition]:
    """One asset check for each way in which documents can be unusable, and one of the result."""
    return [*(_check(graph, check) for check in CHECKS), _gates(graph)]


def _gates(graph: Graph) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=graph.key("published"),
        name="quality_gates",
        description="The result is as good as its definition asks for; else it is not shown.",
    )
    def look(
        context: dg.AssetCheckExecutionContext, clustering: dg.ResourceParam[Pipeline]
    ) -> dg.AssetCheckResult:
        execution = clustering.catalog.executions.find(identity_of(context, graph).run_id)
        refusals = execution.refusals if execution else []
        beside = passed_over(execution.spec) if execution and execution.spec else []
        return dg.AssetCheckResult(
            passed=not refusals,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join([*refusals, *beside]) or None,
        )

    return look


def _check(graph: Graph, check: Check) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=graph.key("embeddings"), name=check.name, description=check.description, blocking=True
    )
    def run_check(
        context: dg.AssetCheckExecutionContext, clustering: dg.ResourceParam[Pipeline]
    ) -> dg.AssetCheckResult:
        try:
            verify(context, clustering, graph, check)
        except ClusteringError as error:
            return dg.AssetCheckResult(passed=False, description=error.message)
        return dg.AssetCheckResult(passed=True)

    return run_check
