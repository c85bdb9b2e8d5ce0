"""What runs do, as jobs over stored definitions: what of the graph each makes, and how."""

import dagster as dg

from clustering_pipeline.defs.graph import Graph
from clustering_pipeline.defs.instance.tags import (
    ASSIGN,
    COMPOSE,
    EXECUTE,
    MAX_RETRIES,
    MODE,
    RELABEL,
)
from clustering_pipeline.defs.run_log import CONSOLE
from clustering_pipeline.logs import is_json

# A crashed worker is worth one more run; a failed stage would only fail again.
_RETRY_CRASHES = {
    MAX_RETRIES: "1",
    "dagster/retry_on_asset_or_op_failure": "false",
    # A run reads what it wrote itself: its retry starts from the beginning.
    "dagster/retry_strategy": "ALL_STEPS",
}
_MODES = {ASSIGN: {MODE: "assign"}, COMPOSE: {MODE: "composite"}}
_NAMING = ("definition", "cluster_labels", "published", "enriched_documents")


def build_jobs(graph: Graph) -> dg.Definitions:
    """A job for each plan; the stages of one share imports and the page cache in one process."""
    every_stage = dg.AssetSelection.groups(graph.group_name)
    naming = dg.AssetSelection.assets(*(graph.key(name) for name in _NAMING))
    return dg.Definitions.merge(
        _job(
            EXECUTE, every_stage, "Exports, clusters, labels and publishes one cluster definition."
        ),
        _job(RELABEL, naming, "Labels and publishes the published groups again."),
        _job(ASSIGN, every_stage, "Assigns new and changed documents to the published groups."),
        _job(
            COMPOSE, every_stage, "Groups the groups of other executions and publishes the result."
        ),
    )


def _job(name: str, stages: dg.AssetSelection, description: str) -> dg.Definitions:
    job = dg.define_asset_job(
        name,
        selection=stages,
        executor_def=dg.in_process_executor,
        # Dagster takes a logger that is asked for only.
        config={"loggers": {"console": {}}} if is_json() else None,
        tags=_RETRY_CRASHES | _MODES.get(name, {}),
        description=description,
    )
    return dg.Definitions(jobs=[job], loggers={"console": CONSOLE} if is_json() else None)
