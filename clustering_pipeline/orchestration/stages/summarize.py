from collections.abc import Mapping

import numpy as np
import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine import Centroids
from clustering_pipeline.orchestration.frames import vector_series
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.attribute_groups import summarize_attributes
from clustering_pipeline.orchestration.stages.explained import explained_by_fields, warning
from clustering_pipeline.orchestration.stages.inputs import original_space
from clustering_pipeline.orchestration.stages.levels import Level, levels

SPACE = "original"


def summarize(run: Run) -> StageReport:
    """Centroids, distances and metrics, all in the space the vectors came in."""
    if run.spec.attributes is not None:
        return summarize_attributes(run)
    vectors = original_space(run)
    assignments = run.read_frame("assignments", columns=["label", "cluster_id"])
    method = run.spec.vectors.effective_feature_method
    distances = np.full(len(vectors), np.nan)
    parts = []
    for level in levels(assignments["cluster_id"]):
        middles = engine.centroids(vectors, level.labels, method)
        # A document's distance is to its deepest group; deeper levels come later.
        distances = np.where(level.labels >= 0, middles.distances, distances)
        parts.append(_summaries(level, middles))
    labels = assignments["label"].to_numpy()
    explained = explained_by_fields(run, labels)
    measured = engine.quality(vectors, labels, space=SPACE).contract()
    metrics = measured | {"explained_by_fields": explained}
    summaries = pl.concat(parts)
    size = run.write_frame("summaries", summaries)
    run.write_frame("distances", pl.DataFrame({"distance_to_centroid": distances}))
    run.write_json("metrics", metrics)
    return StageReport(
        numbers={"groups": summaries.height, "bytes": size} | _numbers(metrics),
        texts={"space": SPACE, "degenerate": str(metrics["degenerate"]), **warning(explained)},
        records={"explained_by_fields": explained},
        uri=run.uri("summaries.parquet"),
    )


def _summaries(level: Level, middles: Centroids) -> pl.DataFrame:
    names = level.cluster_ids
    return pl.DataFrame(
        {
            "cluster_id": names,
            "parent_cluster_id": level.parents(),
            "hierarchy_level": [level.number] * len(names),
            "num_members": middles.sizes,
            "variance": middles.variance,
            "mean_cosine_similarity": middles.mean_cosine,
            "min_cosine_similarity": middles.min_cosine,
            "nearest_cluster_id": [
                names[other] if other >= 0 else None for other in middles.nearest.tolist()
            ],
            "separation": middles.separation,
        },
        schema_overrides=dict.fromkeys(
            ("cluster_id", "parent_cluster_id", "nearest_cluster_id"), pl.String
        )
        | {"hierarchy_level": pl.Int64},
    ).with_columns(vector_series("centroid_vector", middles.vectors))


def _numbers(metrics: Mapping[str, object]) -> dict[str, float | None]:
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
