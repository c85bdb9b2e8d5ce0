"""The assignments under the uids, numbers and names that the groups have."""

import polars as pl

from clustering_pipeline.engine.hierarchy import group_id
from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.incremental.identity import same_groups
from clustering_pipeline.orchestration.stages.incremental.joining import JOINED
from clustering_pipeline.orchestration.stages.incremental.known import earlier
from clustering_pipeline.orchestration.stages.inputs import KEYS, original_spaces
from clustering_pipeline.orchestration.stages.relations import relate


def keep_groups(run: Run) -> StageReport:
    """No group is made, moved or renumbered; one without a member left is gone."""
    before = earlier(run)
    joined = run.read_frame(JOINED)
    keys = run.read_frame("embeddings", columns=KEYS)
    numbers = _numbers(before.read_frame("assignments", columns=["cluster_id", "label"]))
    frame = (
        pl.concat([keys] * len(run.spec.clusterings))
        .hstack(joined)
        .with_columns(label=pl.col("cluster_id").replace_strict(numbers, return_dtype=pl.Int64))
    )
    same_groups(run, before, frame)
    size = run.write_frame("assignments", frame)
    run.write_json("fit", before.read_json("fit") | {"assigned": run.read_json(JOINED)})
    run.write_json("relations", _relations(run, frame, numbers))
    return StageReport(
        numbers={
            "documents": keys.height,
            "groups": frame.filter(pl.col("cluster_id") != NOISE_ID)["cluster_id"].n_unique(),
            "noise": frame.filter(cluster_id=NOISE_ID).height,
            "bytes": size,
        },
        uri=run.uri("assignments.parquet"),
    )


def _numbers(published: pl.DataFrame) -> dict[str, int]:
    pairs = published.unique().select("cluster_id", "label").iter_rows()
    return {**{str(one): int(number) for one, number in pairs}, NOISE_ID: NOISE}


def _relations(run: Run, frame: pl.DataFrame, numbers: dict[str, int]) -> list[dict[str, object]]:
    labels = frame["label"].to_numpy()
    top = {group_id((number,)): one.partition("_sub_")[0] for one, number in numbers.items()}
    found = relate({one.name: labels[one.rows] for one in original_spaces(run)})
    return [
        {
            key: top.get(value, value) if isinstance(value, str) else value
            for key, value in one.items()
        }
        for one in found
    ]
