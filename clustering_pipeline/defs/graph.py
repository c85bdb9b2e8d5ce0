"""Where a graph's assets live, and whose definition they run."""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from clustering_pipeline.defs.instance.partitions import CLUSTERS
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.pipeline.run.pipeline import Pipeline

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The two kinds differ in their keys and in how a run finds its definition, in nothing else."""

    group_name: str
    cluster_of: Callable[[Context, Pipeline], str]
    key_prefix: tuple[str, ...] = ()
    deps: tuple[dg.AssetKey, ...] = ()
    """Assets of others that the documents come from."""
    partitions: dg.PartitionsDefinition | None = None
    enriches: bool = True

    def includes(self, stage_name: str) -> bool:
        """Whether the graph has that stage: a fixed definition that enriches nothing lacks one."""
        return self.enriches or stage_name != "enriched_documents"

    def key(self, name: str) -> dg.AssetKey:
        """The asset key of one stage."""
        return dg.AssetKey([*self.key_prefix, name])


def stored_definitions() -> Graph:
    """One partition per definition in the catalog."""
    return Graph(group_name="clustering", cluster_of=_partition, partitions=CLUSTERS)


def _partition(context: Context, _pipeline: Pipeline) -> str:
    try:
        return str(context.partition_key)
    except dg.DagsterInvariantViolationError as error:
        message = "a run is for one definition: choose one partition, or a run for each of them"
        raise InvalidRequest(message) from error
