"""Builds the asset graph: over partitions for stored definitions, or for one fixed definition."""

from collections.abc import Sequence

import dagster as dg

from clustering_pipeline.orchestration.graph import Graph
from clustering_pipeline.orchestration.metadata import metadata_of
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.orchestration.recording import perform
from clustering_pipeline.orchestration.stages.table import STAGES, Stage

# What many runs share; a deployment limits how many use it at once.
POOLS = {"embeddings": "qdrant", "enriched_documents": "qdrant", "cluster_labels": "llm"}


def build_assets(graph: Graph) -> list[dg.AssetsDefinition]:
    """One asset a stage; every asset reads what its own run wrote."""
    return [_asset(graph, stage) for stage in STAGES if graph.includes(stage.name)]


def _asset(graph: Graph, stage: Stage) -> dg.AssetsDefinition:
    @dg.asset(
        name=stage.name,
        key_prefix=list(graph.key_prefix),
        group_name=graph.group_name,
        partitions_def=graph.partitions,
        deps=_keys(graph, stage.after),
        description=stage.description,
        kinds=set(stage.kinds),
        pool=POOLS.get(stage.name),
        # A definition that does not ask for the write-back materializes nothing there.
        output_required=not stage.optional,
    )
    def build(context: dg.AssetExecutionContext, clustering: dg.ResourceParam[Pipeline]):
        report = perform(context, clustering, graph, stage)
        if not report.skipped:
            yield dg.MaterializeResult(metadata=metadata_of(report))

    return build


def _keys(graph: Graph, names: Sequence[str]) -> list[dg.AssetKey]:
    return [graph.key(name) for name in names]
