"""What a run published, as a data frame that a downstream asset takes as its input."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import dagster as dg
import polars as pl

from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.resources import RESOURCE, Connect, pipeline_resource
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.export import export, groups_table

_GROUPS, _MEMBERS = f"{RESOURCE}_groups", f"{RESOURCE}_members"
Key = dg.AssetKey | str | Sequence[str]


def load_groups(published: Key) -> dg.AssetIn:
    """The groups of ``published``, largest first, as ``clusters.parquet`` describes them.

    The parameter's annotation says what comes: ``polars.DataFrame``, or else pandas'.  They are
    those that readers see: of the definition's published run, under the names people gave.
    """
    return dg.AssetIn(key=dg.AssetKey.from_coercible(published), input_manager_key=_GROUPS)


def load_members(published: Key) -> dg.AssetIn:
    """The documents of ``published`` with their groups, as ``members.parquet`` describes them."""
    return dg.AssetIn(key=dg.AssetKey.from_coercible(published), input_manager_key=_MEMBERS)


def _members(pipeline: Pipeline, execution: ExecutionRecord) -> pl.DataFrame:
    return export(pipeline, execution).frame.collect()


def _manager(
    read: Callable[[Pipeline, ExecutionRecord], pl.DataFrame], description: str
) -> dg.InputManagerDefinition:
    @dg.input_manager(required_resource_keys={RESOURCE}, description=description)
    def manager(context: dg.InputContext) -> Any:
        pipeline = context.resources.clustering
        asked = context.dagster_type.typing_type

        def frame(cluster_id: str) -> Any:
            table = read(pipeline, _published(pipeline, cluster_id))
            return table if pl.DataFrame in {asked, *get_args(asked)} else table.to_pandas()

        if not _is_partitioned(context):
            return frame(_of_code(context, pipeline))
        frames = {key: frame(key) for key in context.asset_partition_keys}
        return frames if len(frames) > 1 else next(iter(frames.values()))

    return manager


READERS: Mapping[str, dg.InputManagerDefinition] = {
    _GROUPS: _manager(groups_table, "The groups of a published run, as a data frame."),
    _MEMBERS: _manager(_members, "The documents of a published run, as a data frame."),
}
"""What ``load_groups`` and ``load_members`` name, in every Definitions that has the stores."""


def resources_of(stores: Connect | Mapping[str, object]) -> dict[str, object]:
    """The stores that somebody connects to, or as resources, and what reads from them."""
    opened = {RESOURCE: pipeline_resource(stores)} if callable(stores) else stores
    return {**opened, **READERS}


def _is_partitioned(context: dg.InputContext) -> bool:
    partitions = context.asset_partitions_def if context.has_asset_partitions else None
    return isinstance(partitions, dg.DynamicPartitionsDefinition) and partitions.name == NAME


def _of_code(context: dg.InputContext, pipeline: Pipeline) -> str:
    """The definition whose graph the asset is of: that of its latest materialization."""
    event = context.instance.get_latest_materialization_event(context.asset_key)
    parts = ("/".join(context.asset_key.path[:-1]), "")
    ids = [run_id_of(event.run_id, part) for part in parts] if event else []
    records = filter(None, map(pipeline.catalog.executions.find, ids))
    execution = next(records, None)
    if execution is None:
        name = context.asset_key.to_user_string()
        message = f"{name} has published nothing that this catalog knows: materialize it first"
        raise StateConflict(message)
    return execution.cluster_id


def _published(pipeline: Pipeline, cluster_id: str) -> ExecutionRecord:
    record = pipeline.catalog.clusters.by_id(cluster_id)
    execution = pipeline.catalog.executions.published(record)
    if execution is None:
        message = f"{record.name!r} has published nothing yet: execute it first"
        raise StateConflict(message)
    return execution
