"""The code location: the graph over stored definitions, its jobs and sensors, and the stores."""

import dagster as dg

from clustering_pipeline.defs.location import build
from clustering_pipeline.resources import clustering_resources


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` names."""
    return build(clustering_resources())
