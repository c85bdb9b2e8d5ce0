"""The groups of a run as identity compares them, read from its artifacts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity import Generation, fresh_uids
from clustering_pipeline.engine.identity.edits import Groups
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID, group_id, group_path
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    IDENTITY,
    IDENTITY_RECORD,
    SUMMARIES,
)
from clustering_pipeline.pipeline.run.columns import FEATURE, FOUND
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run

Centroids = Callable[[tuple[Path, ...]], Vectors]
_DOCUMENT = ["collection_id", "point_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The groups of an earlier run."""

    generation: Generation
    found: Generation
    """The groups as the algorithm found them; people may have wanted others."""
    edited: bool
    """Whether they did."""
    split_of: Mapping[str, str]
    """Uid of a part that people asked for to the group they cut."""


def generation_of(
    assignments: pl.DataFrame,
    *,
    uids: Mapping[str, str] | None = None,
    centroids: Centroids | None = None,
) -> Generation:
    """The groups of a table of documents, by ``cluster_id``; ``uids`` by the same."""
    deepest = assignments["cluster_id"].unique().to_list()
    inner = {group: group_path(group) for group in deepest if group != NOISE_ID}
    every = {path[:end] for path in inner.values() for end in range(1, len(path) + 1)}
    paths = tuple(sorted(every, key=lambda path: (len(path), path)))
    order = {path: place for place, path in enumerate(paths)}
    places = {group: order[path] for group, path in inner.items()}
    column = assignments["cluster_id"].replace_strict(places, default=-1, return_dtype=pl.Int64)
    documents, names = keys_of(assignments)
    return Generation(
        documents=documents,
        names=names,
        deepest=column.to_numpy(),
        paths=paths,
        uids=tuple(uids[group_id(path)] for path in paths) if uids is not None else (),
        centroids=None if centroids is None else lambda: centroids(paths),
    )


def generation_of_run(pipeline: Pipeline, execution: ExecutionRecord) -> Generation:
    """The groups of a run that has ended, with their uids.

    A run from before groups had uids gets those that its members give.
    """
    assignments = ASSIGNMENTS.read(pipeline.artifacts, execution)
    middles = _stored_middles(pipeline, execution)
    uids = uids_of(pipeline, execution)
    if uids is None:
        plain = generation_of(assignments)
        uids = dict(zip(map(group_id, plain.paths), fresh_uids(plain), strict=True))
    return generation_of(assignments, uids=uids, centroids=middles)


def uids_of(pipeline: Pipeline, execution: ExecutionRecord) -> dict[str, str] | None:
    """Group to uid; None for a run from before groups had uids."""
    if not IDENTITY.exists(pipeline.artifacts, execution):
        return None
    table = IDENTITY.read(pipeline.artifacts, execution)
    return dict(table.select("cluster_id", "group_uid").iter_rows())


def group_uids(pipeline: Pipeline, execution: ExecutionRecord) -> dict[str, str]:
    """Group to uid, of whatever run."""
    uids = uids_of(pipeline, execution)
    if uids is None:
        shown = generation_of_run(pipeline, execution)
        uids = dict(zip(map(group_id, shown.paths), shown.uids, strict=True))
    return uids


def grouped_by(run: Run) -> ExecutionRecord:
    """The execution that made the groups which the run has or shows again."""
    return run.execution if run.is_own(IDENTITY) else run.shown


def published(pipeline: Pipeline, execution: ExecutionRecord) -> Published:
    """What the groups of the next run are compared with."""
    found = identity_record(pipeline, execution).get("found")
    shown = generation_of_run(pipeline, execution)
    return Published(
        generation=shown,
        found=_found(pipeline, execution, found["parents"]) if found else shown,
        edited=found is not None,
        split_of=found["split_of"] if found else {},
    )


def identity_record(pipeline: Pipeline, execution: ExecutionRecord) -> dict[str, Any]:
    """What a run said of its groups; nothing for one from before groups had uids."""
    stored = pipeline.artifacts
    exists = IDENTITY_RECORD.exists(stored, execution)
    return IDENTITY_RECORD.read(stored, execution) if exists else {}


def merged_groups(pipeline: Pipeline, execution: ExecutionRecord) -> dict[str, str]:
    """Uid of a group to that of the one which took it in, as people asked."""
    found = identity_record(pipeline, execution).get("found") or {}
    return dict(found.get("merged", {}))


def _found(
    pipeline: Pipeline, execution: ExecutionRecord, parents: Mapping[str, str]
) -> Generation:
    assignments = ASSIGNMENTS.read(pipeline.artifacts, execution)
    groups = Groups(inner=np.array(assignments[FOUND].to_list(), dtype=object), parents=parents)
    return groups.generation(*keys_of(assignments))


def keys_of(assignments: pl.DataFrame) -> tuple[list[str], list[str]]:
    """What tells the rows apart, and what their documents are called."""
    return _joined(assignments, _DOCUMENT), _joined(assignments, ["document_id"])


def _joined(assignments: pl.DataFrame, columns: list[str]) -> list[str]:
    """One key a document; of independent features, one for each of them."""
    several = FEATURE in assignments.columns and assignments[FEATURE].n_unique() > 1
    every = [*([FEATURE] if several else []), *columns]
    key = pl.concat_str([pl.col(name).fill_null("") for name in every], separator="\x1f")
    return list(map(str, assignments.select(key).to_series().to_list()))


def _stored_middles(pipeline: Pipeline, execution: ExecutionRecord) -> Centroids:
    def middles(paths: tuple[Path, ...]) -> Vectors:
        summaries = SUMMARIES.read(pipeline.artifacts, execution)
        if FEATURE not in summaries.columns:
            summaries = summaries.with_columns(pl.lit("").alias(FEATURE))
        places = {group_id(path): place for place, path in enumerate(paths)}
        parts = summaries.sort(FEATURE).partition_by(FEATURE, maintain_order=True)
        blocks = [_block(part, places) for part in parts]
        return np.concatenate([np.zeros((len(paths), 0), dtype=np.float32), *blocks], axis=1)

    return middles


def _block(summaries: pl.DataFrame, places: Mapping[str, int]) -> Vectors:
    """Zeros where a group is of another feature: groups of two features are nowhere near."""
    known = summaries.drop_nulls("centroid_vector")
    vectors = [np.asarray(row, dtype=np.float32) for row in known["centroid_vector"].to_list()]
    block = np.zeros((len(places), len(vectors[0]) if vectors else 0), dtype=np.float32)
    for cluster_id, vector in zip(known["cluster_id"], vectors, strict=True):
        block[places[cluster_id]] = vector
    return block
