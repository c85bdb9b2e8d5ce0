from collections.abc import Mapping

import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine import Centroids
from clustering_pipeline.model.ids import group_id
from clustering_pipeline.orchestration.frames import vector_series
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import exported_vectors

SPACE = "original"


def summarize(run: Run) -> StageReport:
    """Centroids, distances and metrics, all in the space the vectors came in."""
    vectors = exported_vectors(run)
    labels = run.read_frame("assignments", columns=["label"])["label"].to_numpy()
    middles = engine.centroids(vectors, labels, run.spec.vectors.effective_feature_method)
    metrics = engine.quality(vectors, labels, space=SPACE, middles=middles).contract()
    size = run.write_frame("summaries", _summaries(middles))
    run.write_frame("distances", pl.DataFrame({"distance_to_centroid": middles.distances}))
    run.write_json("metrics", metrics)
    return StageReport(
        numbers={"groups": len(middles.sizes), "bytes": size} | _numbers(metrics),
        texts={"space": SPACE, "degenerate": str(metrics["degenerate"])},
        uri=run.uri("summaries.parquet"),
    )


def _summaries(middles: Centroids) -> pl.DataFrame:
    count = len(middles.sizes)
    return pl.DataFrame(
        {
            "number": range(count),
            "cluster_id": [group_id(number) for number in range(count)],
            "num_members": middles.sizes,
            "variance": middles.variance,
            "mean_cosine_similarity": middles.mean_cosine,
            "min_cosine_similarity": middles.min_cosine,
            "nearest_cluster_id": [
                group_id(other) if other >= 0 else None for other in middles.nearest.tolist()
            ],
            "separation": middles.separation,
        },
        schema_overrides={
            "number": pl.Int64,
            "cluster_id": pl.String,
            "nearest_cluster_id": pl.String,
        },
    ).with_columns(vector_series("centroid_vector", middles.vectors))


def _numbers(metrics: Mapping[str, object]) -> dict[str, float | None]:
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
