import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from clustering_pipeline.defs.graph import Graph
from clustering_pipeline.defs.instance.tags import ASSIGN, COMPOSE, EXECUTE, MODE, RELABEL

# A crashed worker is worth one more run; a failed stage would only fail again.
_RETRY_CRASHES = {
    "dagster/max_retries": "1",
    "dagster/retry_on_asset_or_op_failure": "false",
    # A run reads what it wrote itself: its retry starts from the beginning.
    "dagster/retry_strategy": "ALL_STEPS",
}


def execute_job(graph: Graph) -> UnresolvedAssetJobDefinition:
    """All stages for one definition in one process: they share imports and the page cache."""
    return dg.define_asset_job(
        EXECUTE,
        selection=dg.AssetSelection.groups(graph.group_name),
        executor_def=dg.in_process_executor,
        tags=_RETRY_CRASHES,
        description="Exports, clusters, labels and publishes one cluster definition.",
    )


def relabel_job(graph: Graph) -> UnresolvedAssetJobDefinition:
    """New names for the published groups, with today's labelling settings."""
    names = ("definition", "cluster_labels", "published", "enriched_documents")
    return dg.define_asset_job(
        RELABEL,
        selection=dg.AssetSelection.assets(*(graph.key(name) for name in names)),
        executor_def=dg.in_process_executor,
        tags=_RETRY_CRASHES,
        description="Labels and publishes the published groups again.",
    )


def assign_job(graph: Graph) -> UnresolvedAssetJobDefinition:
    """All stages, of which most keep what is published: see ``stages.incremental``."""
    return dg.define_asset_job(
        ASSIGN,
        selection=dg.AssetSelection.groups(graph.group_name),
        executor_def=dg.in_process_executor,
        tags={**_RETRY_CRASHES, MODE: "assign"},
        description="Assigns new and changed documents to the published groups.",
    )


def compose_job(graph: Graph) -> UnresolvedAssetJobDefinition:
    """All stages, over the groups of other executions: see ``stages.composite``."""
    return dg.define_asset_job(
        COMPOSE,
        selection=dg.AssetSelection.groups(graph.group_name),
        executor_def=dg.in_process_executor,
        tags={**_RETRY_CRASHES, MODE: "composite"},
        description="Groups the groups of other executions and publishes the result.",
    )
