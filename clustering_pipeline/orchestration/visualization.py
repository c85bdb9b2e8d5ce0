"""The map of a run, as much of it as somebody wants to draw."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.cluster import ClusterRecord
from clustering_pipeline.model.errors import ExecutionNotFound
from clustering_pipeline.model.execution import ClusterExecutionCentroid, ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.visualization import (
    DEFAULT_POINTS,
    ClusterVisualization,
    VisualizedCentroid,
    VisualizedMember,
    VisualizedMembers,
)
from clustering_pipeline.orchestration.frames import AXES
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.orchestration.stages.levels import SUB

_SEED = 42
_IDS = ("document_id", "collection_id", "cluster_id")


def visualization(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    *,
    run_id: str | None = None,
    max_points: int = DEFAULT_POINTS,
    centroids_only: bool = False,
    compact: bool = False,
) -> ClusterVisualization:
    """The published run, or the one asked for; nothing on it before the first is published.

    Raises ClusterNotFound, ExecutionNotFound, and ArtifactNotFound when the run has no files.
    """
    record = pipeline.catalog.clusters.get(scope, cluster)
    execution = shown_run(pipeline, record, run_id)
    if execution is None:
        empty = _members(pl.DataFrame(schema=dict.fromkeys([*_IDS, *AXES])), compact=compact)
        return ClusterVisualization(cluster_id=record.cluster_id, members=empty)
    places = _places(pipeline, execution)
    axes = [axis for axis in AXES if axis in places.columns]
    sample = _sampled(places, 0 if centroids_only else max_points)
    return ClusterVisualization(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        dimensions=len(axes),
        total_points=places.height,
        returned_points=sample.height,
        centroids=_centroids(execution, places, axes),
        members=_members(sample, compact=compact),
    )


def shown_run(
    pipeline: Pipeline, record: ClusterRecord, run_id: str | None
) -> ExecutionRecord | None:
    """The execution asked for, else the published one; None before the first is published.

    Raises ExecutionNotFound, also for one that has no results.
    """
    wanted = run_id or record.state.last_run_id
    if wanted is None:
        return None
    execution = pipeline.catalog.executions.get(record.scope, wanted, cluster_id=record.cluster_id)
    if execution.members_key is None:
        message = f"{execution.run_id} has no results ({execution.status.value}): ask for another"
        raise ExecutionNotFound(message)
    return execution


def _places(pipeline: Pipeline, execution: ExecutionRecord) -> pl.DataFrame:
    """The documents that were laid out, in canonical order."""
    key = execution.members_key or execution.artifact_key("members.parquet")
    present = pipeline.artifacts.scan(key).collect_schema().names()
    axes = [axis for axis in AXES if axis in present]
    frame = pipeline.artifacts.read_frame(key, columns=[*_IDS, *axes])
    if not axes:
        return frame.clear().with_columns(x=0.0, y=0.0)
    return frame.with_columns(pl.col(axes).fill_nan(None)).drop_nulls(axes)


def _sampled(places: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many rows, uniformly, in order, the same each time."""
    if places.height <= most:
        return places
    chosen = np.random.default_rng(_SEED).choice(places.height, size=most, replace=False)
    return places[np.sort(chosen)]


def _centroids(
    execution: ExecutionRecord, places: pl.DataFrame, axes: Sequence[str]
) -> list[VisualizedCentroid]:
    middles = _middles(places, axes)
    names = execution.label_overrides or {}
    return [
        _centroid(one, names.get(one.cluster_id), middles.get(one.cluster_id, {}))
        for one in execution.centroids or ()
    ]


def _middles(places: pl.DataFrame, axes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Group to the mean place of its documents, those of its sub-groups included."""
    counted = places.group_by("cluster_id").agg(pl.len(), *[pl.sum(axis) for axis in axes])
    sums: dict[str, NDArray[np.float64]] = {}
    for group, *numbers in counted.iter_rows():
        for part in _lineage(group):
            sums[part] = sums.get(part, np.zeros(len(numbers))) + numbers
    return {
        group: dict(zip(axes, (both[1:] / both[0]).tolist(), strict=True))
        for group, both in sums.items()
    }


def _lineage(group: str) -> Iterator[str]:
    """The group and those that it is part of: ``cl_0_sub_1`` is part of ``cl_0``."""
    while group:
        yield group
        group = group.rpartition(SUB)[0]


def _centroid(
    group: ClusterExecutionCentroid, override: str | None, place: dict[str, float]
) -> VisualizedCentroid:
    return VisualizedCentroid(
        cluster_id=group.cluster_id,
        label=override or group.label,
        num_members=group.num_members,
        group_uid=group.group_uid,
        parent_cluster_id=group.parent_cluster_id,
        hierarchy_level=group.hierarchy_level,
        **place,
    )


def _members(sample: pl.DataFrame, *, compact: bool) -> list[VisualizedMember] | VisualizedMembers:
    if not compact:
        return [VisualizedMember(**row) for row in sample.iter_rows(named=True)]
    return VisualizedMembers(
        document_ids=sample["document_id"].to_list(),
        collection_ids=sample["collection_id"].to_list(),
        cluster_ids=sample["cluster_id"].to_list(),
        x=sample["x"].to_list(),
        y=sample["y"].to_list(),
        z=sample["z"].to_list() if "z" in sample.columns and sample.height else None,
    )
