"""What is known of groups by attributes: their values, and names made of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.model.filters.tree import split_path
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.attributes import attribute_config, has_parents
from clustering_pipeline.orchestration.stages.inputs import payloads
from clustering_pipeline.orchestration.stages.levels import Level, levels

VALUES = "attribute_values"
GIVEN = ("llm", "human")  # where names come from that values do not replace
_SCHEMA = {
    "cluster_id": pl.String,
    "parent_cluster_id": pl.String,
    "hierarchy_level": pl.Int64,
    "num_members": pl.Int64,
    "variance": pl.Float64,
    "mean_cosine_similarity": pl.Float64,
    "min_cosine_similarity": pl.Float64,
    "nearest_cluster_id": pl.String,
    "separation": pl.Float64,
    "centroid_vector": pl.List(pl.Float32),
    VALUES: pl.String,
    "feature_name": pl.String,
    "feature_dimensions": pl.Int64,
}


def summarize_attributes(run: Run) -> StageReport:
    """Sizes and values; what would need vectors is null."""
    documents = payloads(run)
    assignments = run.read_frame("assignments", columns=["label", "cluster_id"])
    rows = [
        row
        for level in levels(assignments["cluster_id"])
        for row in _summaries(run, level, documents)
    ]
    metrics = engine.counted(assignments["label"].to_numpy()).contract()
    size = run.write_frame("summaries", pl.DataFrame(rows, schema=_SCHEMA))
    nowhere = pl.Series("distance_to_centroid", [None] * len(documents), dtype=pl.Float64)
    run.write_frame("distances", nowhere.to_frame())
    run.write_json("metrics", metrics)
    return StageReport(
        numbers={"groups": len(rows), "bytes": size},
        texts={"space": str(metrics["space"]), "degenerate": str(metrics["degenerate"])},
        uri=run.uri("summaries.parquet"),
    )


def _summaries(
    run: Run, level: Level, documents: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    found = []
    parents = level.parents()
    for place, cluster_id in enumerate(level.cluster_ids):
        members = np.flatnonzero(level.labels == place)
        row = {
            "cluster_id": cluster_id,
            "parent_cluster_id": parents[place],
            "hierarchy_level": level.number,
            "num_members": len(members),
            VALUES: json.dumps(_values(run, [documents[one] for one in members])),
        }
        found.append(dict.fromkeys(_SCHEMA) | row)
    return found


def _values(run: Run, members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Attribute to value; where a parent's members differ, the one that stands for them."""
    config = attribute_config(run)
    return {
        one: engine.aggregate(
            [engine.value_at(member, split_path(one)) for member in members],
            config.aggregation_method,
        )
        for one in config.attributes
    }


def named_by_values(run: Run, clusters: pl.DataFrame) -> pl.DataFrame:
    """Groups by attributes are called by their values unless a model or a person named them."""
    if run.spec.attributes is None:
        return clusters
    rows = clusters.select(VALUES, "hierarchy_level").iter_rows()
    names = pl.Series("by_values", [_name(run, *row) for row in rows], dtype=pl.String)
    by_others = pl.col("source").is_in(GIVEN)
    return clusters.with_columns(
        label=pl.when(by_others).then("label").otherwise(names),
        source=pl.when(by_others).then("source").otherwise(pl.lit("attributes")),
    )


def _name(run: Run, stored: str, level: int) -> str:
    config = attribute_config(run)
    shared = config.attributes[:1] if has_parents(config) and level == 0 else config.attributes
    values = json.loads(stored)
    return " · ".join(f"{one}: {_shown(values[one])}" for one in shared)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
