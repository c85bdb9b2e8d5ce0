"""Where a graph's assets live, and whose definition they run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg

from clustering_pipeline.defs.instance.partitions import CLUSTERS
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.table import STAGES

_STAGES = frozenset(stage.name for stage in STAGES)
Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The two kinds differ in their keys and in how a run finds its definition, in nothing else."""

    group_name: str
    cluster_of: "Callable[[Context, Pipeline, Graph], str]"
    key_prefix: tuple[str, ...] = ()
    deps: tuple[dg.AssetKey, ...] = ()
    """Assets of others that the documents come from."""
    partitions: dg.PartitionsDefinition | None = None
    enriches: bool = True

    def includes(self, stage_name: str) -> bool:
        """Whether the graph has that stage: a fixed definition that enriches nothing lacks one."""
        return self.enriches or stage_name != "enriched_documents"

    def stages(self, context: Context) -> set[str]:
        """What of it the run under way makes."""
        return {key.path[-1] for key in _selected(context) if self._has(key)}

    def part(self, context: Context) -> str:
        """What tells its execution from others of the same run; empty where it is the only one."""
        prefixes = {tuple(key.path[:-1]) for key in _selected(context) if key.path[-1] in _STAGES}
        return "/".join(self.key_prefix) if len(prefixes) > 1 else ""

    def _has(self, key: dg.AssetKey) -> bool:
        return key.path[-1] in _STAGES and tuple(key.path[:-1]) == self.key_prefix

    def key(self, name: str) -> dg.AssetKey:
        """The asset key of one stage."""
        return dg.AssetKey([*self.key_prefix, name])


def _selected(context: Context) -> Iterator[dg.AssetKey]:
    """The assets that a run makes, and those that it checks."""
    for node in context.job_def.asset_layer.data:
        yield from node.assets_def.keys
        yield from (check.asset_key for check in node.assets_def.check_keys)


def stored_definitions() -> Graph:
    """One partition per definition in the catalog."""
    return Graph(group_name="clustering", cluster_of=_partition, partitions=CLUSTERS)


def _partition(context: Context, _pipeline: Pipeline, _graph: Graph) -> str:
    try:
        return str(context.partition_key)
    except dg.DagsterInvariantViolationError as error:
        message = "a run is for one definition: choose one partition, or a run for each of them"
        raise InvalidRequest(message) from error
