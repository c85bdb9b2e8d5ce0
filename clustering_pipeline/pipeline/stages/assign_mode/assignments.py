"""The assignments under the uids, numbers and names that the groups have."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import polars as pl

from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.matching import same_groups
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
from clustering_pipeline.pipeline.stages.assign_mode.unchanged import earlier


def keep_groups(run: Run) -> StageReport:
    """No group is made, moved or renumbered; one without a member left is gone."""
    return write_assignments(run, run.read_frame(JOINED))


def write_assignments(
    run: Run, joined: pl.DataFrame, born: Mapping[str, str] = MappingProxyType({})
) -> StageReport:
    """The rows of ``joined`` as the assignments of a run; ``born`` are new groups on top, with
    their uids.
    """
    before = earlier(run)
    keys = run.read_frame(EMBEDDINGS, columns=KEYS)
    numbers = _numbers(before.read_frame(ASSIGNMENTS, columns=["cluster_id", "label"]), born)
    frame = (
        pl.concat([keys] * len(run.spec.clusterings))
        .hstack(joined)
        .with_columns(label=pl.col("cluster_id").replace_strict(numbers, return_dtype=pl.Int64))
    )
    same_groups(run, before, frame, born)
    size = run.write_frame(ASSIGNMENTS, frame)
    run.write_json(FIT, before.read_json(FIT) | {"assigned": run.read_json(JOINED_RECORD)})
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
    known = {**{str(one): int(number) for one, number in pairs}, NOISE_ID: NOISE}
    first = max(known.values()) + 1
    return known | {one: first + place for place, one in enumerate(born)}


def _relations(run: Run, frame: pl.DataFrame) -> list[dict[str, Any]]:
    if len(run.spec.clusterings) == 1:
        return []
    return relations_of(frame, original_spaces(run))
