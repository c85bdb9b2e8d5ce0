"""All that a code location of ours holds, over whichever stores it connects to."""

from collections.abc import Mapping

import dagster as dg

from clustering_pipeline.defs.assets import build_assets
from clustering_pipeline.defs.checks import build_checks
from clustering_pipeline.defs.frames import resources_of
from clustering_pipeline.defs.graph import stored_definitions
from clustering_pipeline.defs.jobs import build_jobs
from clustering_pipeline.defs.resources import Connect
from clustering_pipeline.defs.sensors.overdue import STORED, on_time
from clustering_pipeline.defs.sensors.runs import build_sensors


def build(stores: Connect | Mapping[str, object]) -> dg.Definitions:
    """The graph over stored definitions, its jobs and sensors; a test connects to its own."""
    graph = stored_definitions()
    jobs = build_jobs(graph)
    location = dg.Definitions(
        assets=[*build_assets(graph), STORED],
        asset_checks=[*build_checks(graph), on_time],
        sensors=build_sensors(jobs),
        resources=resources_of(stores),
        # Each run has a process of its own already; a process a step would cost 2 s each.
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(location, jobs)
