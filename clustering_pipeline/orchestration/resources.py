"""Hands Dagster the pipeline as one plain object."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import dagster as dg

from clustering_pipeline.orchestration.outcome import record_part
from clustering_pipeline.orchestration.pipeline import Pipeline

Connect = Callable[[], AbstractContextManager[Pipeline]]


def pipeline_resource(connect: Connect) -> dg.ResourceDefinition:
    """Opens the stores when a run or a sensor first needs them, and closes them after it."""

    @dg.resource(description="The catalog, the documents, the artifacts and the label provider.")
    def pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
        with connect() as opened:
            yield opened
            if context.run is not None:
                record_part(opened.catalog, context.run)

    return pipeline
