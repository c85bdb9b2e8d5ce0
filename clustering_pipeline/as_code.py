"""For teams that keep cluster definitions in their own Dagster project."""

import dagster as dg

from clustering_pipeline.defs.assets import build_assets
from clustering_pipeline.defs.checks import build_checks
from clustering_pipeline.defs.fixed_definition import Source, fixed_definition
from clustering_pipeline.defs.resources import RESOURCE, Connect, pipeline_resource
from clustering_pipeline.local.connect import connect
from clustering_pipeline.model.scope import LOCAL, Scope


def cluster_definitions(
    definition: Source, *, scope: Scope = LOCAL, connect: Connect = connect
) -> dg.Definitions:
    """One definition (a YAML or JSON file, a mapping, a request) as assets, checks and a job.

    The assets have the definition's name as key prefix and group, no partition, and compose like
    any others: ``dg.Definitions.merge(cluster_definitions("topics.yaml"), yours)``.
    """
    graph = fixed_definition(definition, scope=scope)
    job = dg.define_asset_job(
        f"execute_{graph.group_name}",
        selection=dg.AssetSelection.groups(graph.group_name),
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=build_assets(graph),
        asset_checks=build_checks(graph),
        jobs=[job],
        resources={RESOURCE: pipeline_resource(connect)},
    )
