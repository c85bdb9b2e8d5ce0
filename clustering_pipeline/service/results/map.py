"""The map of a run, as much of it as somebody wants to draw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic_core import to_json

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ExecutionNotFound
from clustering_pipeline.model.executions.execution import ClusterExecutionCentroid, ExecutionRecord
from clustering_pipeline.model.executions.map import (
    DEFAULT_POINTS,
    ClusterVisualization,
    VisualizedCentroid,
)
from clustering_pipeline.model.ids import parent_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import MEMBERS
from clustering_pipeline.pipeline.run.columns import AXES
from clustering_pipeline.pipeline.run.pipeline import Pipeline

ROWS = 10_000
_SEED = 42
_IDS = ("document_id", "collection_id", "cluster_id")
_COMPACT = {"document_ids": "document_id", "collection_ids": "collection_id"}
_COMPACT |= {"cluster_ids": "cluster_id", **{axis: axis for axis in AXES}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A ``ClusterVisualization`` whose members are sent as they lie in the table."""

    head: ClusterVisualization
    """All but the members."""
    members: pl.DataFrame
    """Ids, and places on all three axes."""
    compact: bool

    def chunks(self) -> Iterator[bytes]:
        """The answer as JSON, in pieces."""
        head = self.head.model_dump_json(exclude={"members"})
        yield f'{head.removesuffix("}")},"members":'.encode()
        yield from self._columns() if self.compact else self._rows()
        yield b"}"

    def _rows(self) -> Iterator[bytes]:
        yield b"["
        for number, part in enumerate(self.members.iter_slices(ROWS)):
            yield (b"," if number else b"") + part.write_json().encode()[1:-1]
        yield b"]"

    def _columns(self) -> Iterator[bytes]:
        for number, (name, column) in enumerate(_COMPACT.items()):
            yield (b"," if number else b"{") + to_json(name) + b":"
            yield from _array(self.members[column])
        yield b"}"


def _array(column: pl.Series) -> Iterator[bytes]:
    if column.name == "z" and not column.count():
        yield b"null"
        return
    yield b"["
    for start in range(0, len(column), ROWS):
        yield (b"," if start else b"") + to_json(column.slice(start, ROWS).to_list())[1:-1]
    yield b"]"


def visualization(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    *,
    run_id: str | None = None,
    max_points: int = DEFAULT_POINTS,
    centroids_only: bool = False,
    compact: bool = False,
) -> Map:
    """The published run, or the one asked for; nothing on it before the first is published.

    Raises ClusterNotFound, ExecutionNotFound, and ArtifactNotFound when the run has no files.
    """
    record = pipeline.catalog.clusters.get(scope, cluster)
    execution = shown_run(pipeline, record, run_id)
    if execution is None:
        empty = pl.DataFrame(schema=dict.fromkeys([*_IDS, *AXES]))
        head = ClusterVisualization(cluster_id=record.cluster_id)
        return Map(head=head, members=empty, compact=compact)
    places = _places(pipeline, execution)
    axes = [axis for axis in AXES if axis in places.columns]
    sample = _sampled(places, 0 if centroids_only else max_points)
    head = ClusterVisualization(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        dimensions=len(axes),
        total_points=places.height,
        returned_points=sample.height,
        centroids=_centroids(execution, places, axes),
    )
    flat = sample.with_columns(pl.lit(None).alias(axis) for axis in AXES if axis not in axes)
    return Map(head=head, members=flat.select(*_IDS, *AXES), compact=compact)


def shown_run(
    pipeline: Pipeline, record: ClusterRecord, run_id: str | None
) -> ExecutionRecord | None:
    """The execution asked for, else the published one; None before the first is published.

    Raises ExecutionNotFound, also for one that has no results.
    """
    executions = pipeline.catalog.executions
    if run_id:
        execution = executions.get(record.scope, run_id, cluster_id=record.cluster_id)
    else:
        execution = executions.published(record)
    if execution is not None and execution.members_key is None:
        message = f"{execution.run_id} has no results ({execution.status.value}): ask for another"
        raise ExecutionNotFound(message)
    return execution


def _places(pipeline: Pipeline, execution: ExecutionRecord) -> pl.DataFrame:
    """The documents that were laid out, in canonical order."""
    key = execution.members_key or execution.artifact_key(MEMBERS.file)
    present = pipeline.artifacts.scan(key).collect_schema().names()
    axes = [axis for axis in AXES if axis in present]
    frame = MEMBERS.read_at(pipeline.artifacts, key, [*_IDS, *axes])
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
    return [
        _centroid(group, execution.label_of(group), middles.get(group.cluster_id, {}))
        for group in execution.centroids or ()
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
    around: str | None = group
    while around:
        yield around
        around = parent_id(around)


def _centroid(
    group: ClusterExecutionCentroid, label: str | None, place: dict[str, float]
) -> VisualizedCentroid:
    return VisualizedCentroid(
        cluster_id=group.cluster_id,
        label=label,
        num_members=group.num_members,
        group_uid=group.group_uid,
        parent_cluster_id=group.parent_cluster_id,
        hierarchy_level=group.hierarchy_level,
        **place,
    )
