"""Hands Dagster the pipeline as one plain object."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import dagster as dg

from clustering_pipeline.defs.instance import pools
from clustering_pipeline.defs.instance.home import require_reachable
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.heartbeat import beating

# The key in every Definitions: assets, checks and sensors name a parameter so.
RESOURCE = "clustering"
Connect = Callable[[], AbstractContextManager[Pipeline]]


@cache
def pipeline_resource(connect: Connect) -> dg.ResourceDefinition:
    """The stores that ``connect`` opens, as a resource without configuration.

    One object for each ``connect``: Dagster merges definitions only if they share it.
    """

    @dg.resource(description="The catalog, the documents, the artifacts and the label provider.")
    def pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
        with opened_for(context, connect) as opened:
            yield opened

    return pipeline


@contextmanager
def opened_for(context: dg.InitResourceContext, connect: Connect) -> Generator[Pipeline]:
    """Opens the stores when a run or a sensor first needs them, and closes them after it."""
    if context.instance is not None:
        pools.introduce(context.instance)
    with connect() as opened:
        if context.instance is not None:
            require_reachable(context.instance, opened)
        if context.run is None:
            yield opened
            return
        run_id = run_id_of(context.run.run_id)
        with beating(opened.catalog, run_id):
            yield opened
