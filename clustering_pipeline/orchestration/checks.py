"""Blocking checks on the exported documents: a run that fails one clusters nothing."""

import dagster as dg

from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.orchestration.graph import Graph
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.orchestration.recording import verify
from clustering_pipeline.orchestration.stages.verify import CHECKS, Check


def build_checks(graph: Graph) -> list[dg.AssetChecksDefinition]:
    """One asset check for each way in which the documents can be unusable."""
    return [_check(graph, check) for check in CHECKS]


def _check(graph: Graph, check: Check) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=graph.key("embeddings"),
        name=check.name,
        description=check.description,
        blocking=True,
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
