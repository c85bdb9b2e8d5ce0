"""Hands Dagster the pipeline as one plain object."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache

import dagster as dg

from clustering_pipeline.orchestration.outcome import record_part
from clustering_pipeline.orchestration.pipeline import Pipeline

# The key in every Definitions: assets, checks and sensors name a parameter so.
RESOURCE = "clustering"
Connect = Callable[[], AbstractContextManager[Pipeline]]


@cache
def pipeline_resource(connect: Connect) -> dg.ResourceDefinition:
    """Opens the stores when a run or a sensor first needs them, and closes them after it.

    One object for each ``connect``: Dagster merges definitions only if they share it.
    """

    @dg.resource(description="The catalog, the documents, the artifacts and the label provider.")
    def pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
        with connect() as opened:
            yield opened
            if context.run is not None:
                record_part(opened.catalog, context.run)

    return pipeline
