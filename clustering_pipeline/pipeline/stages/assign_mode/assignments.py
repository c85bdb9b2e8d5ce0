"""The assignments under the uids, numbers and names that the groups have."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import polars as pl

from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.matching import keep_named, same_groups
from clustering_pipeline.pipeline.groups.snapshots import generation_of_run, identity_record
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    EMBEDDINGS,
    FIT,
    JOINED,
    JOINED_RECORD,
    RELATIONS,
)
from clustering_pipeline.pipeline.run.columns import KEYS
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import original_spaces
from clustering_pipeline.pipeline.stages.assign import relations_of
from clustering_pipeline.pipeline.stages.assign_mode.published import earlier


def keep_groups(run: Run) -> StageReport:
    """No group is made, moved or renumbered; one without a member left is gone."""
    return write_assignments(run, run.read_frame(JOINED))


def write_assignments(
    run: Run,
    joined: pl.DataFrame,
    *,
    born: Mapping[str, str] = MappingProxyType({}),
    fits: Sequence[Mapping[str, Any]] = (),
) -> StageReport:
    """The rows of ``joined`` as the assignments of a run; ``born`` are new groups on top, with
    their uids, and ``fits`` what made them.
    """
    before = earlier(run)
    keys = run.read_frame(EMBEDDINGS, columns=KEYS)
    fit = before.read_json(FIT) | {"assigned": run.read_json(JOINED_RECORD)}
    if fits:
        fit["proposed"] = [*fit.get("proposed", []), *fits]
    numbers = _numbers(before.read_frame(ASSIGNMENTS, columns=["cluster_id", "label"]), born)
    frame = (
        pl.concat([keys] * len(run.spec.clusterings))
        .hstack(joined)
        .with_columns(label=pl.col("cluster_id").replace_strict(numbers, return_dtype=pl.Int64))
    )
    named = same_groups(
        frame,
        generation_of_run(run.pipeline, before.execution),
        run_id=before.run_id,
        found=identity_record(run.pipeline, before.execution).get("found"),
        born=born,
    )
    size = keep_named(run, named)
    run.write_json(FIT, fit)
    run.write_json(RELATIONS, _relations(run, frame))
    return StageReport(
        numbers={
            "documents": keys.height,
            "groups": frame.filter(pl.col("cluster_id") != NOISE_ID)["cluster_id"].n_unique(),
            "born": len(born),
            "noise": frame.filter(cluster_id=NOISE_ID).height,
            "bytes": size,
        },
        uri=run.uri(ASSIGNMENTS),
    )


def _numbers(published: pl.DataFrame, born: Mapping[str, str]) -> dict[str, int]:
    pairs = published.unique().select("cluster_id", "label").iter_rows()
    known = {**{str(group): int(number) for group, number in pairs}, NOISE_ID: NOISE}
    first = max(known.values()) + 1
    return known | {group: first + place for place, group in enumerate(born)}


def _relations(run: Run, frame: pl.DataFrame) -> list[dict[str, Any]]:
    if len(run.spec.clusterings) == 1:
        return []
    return relations_of(frame, original_spaces(run))
