import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.orchestration.frames import AXES, vector_series
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.attributes import without_vectors
from clustering_pipeline.orchestration.stages.inputs import ROW, VECTOR, clustering_space, features
from clustering_pipeline.orchestration.stages.weighing import weigh


def reduce(run: Run) -> StageReport:
    """Applies the preprocessing steps in order and lays the documents out for the map.

    With more documents than ``sample_size`` both see a uniform, seeded sample.
    """
    if run.spec.attributes is not None:
        return without_vectors(run)
    found = features(run)
    weights = weigh(run, found)
    vectors = clustering_space(run, found, weights=weights.values)
    rows = engine.sample_rows(len(vectors), run.spec.sample_size)
    sampled = vectors if len(rows) == len(vectors) else vectors[rows]
    neighbors = engine.Neighborhood(sampled)
    reduction = engine.reduce(sampled, run.spec.preprocessing, neighbors=neighbors)
    places = engine.layout(sampled, n_components=run.spec.vis_n_components, neighbors=neighbors)
    size = run.write_frame("reduced", _frame(rows, reduction.vectors, places))
    record = {
        "input": engine.digest(vectors),
        "documents": len(vectors),
        "fitted": len(rows),
        "steps": list(reduction.record),
        "weights": weights.values,
        "learning_quality_score": weights.quality,
        "weight_learning": weights.record,
    }
    run.write_json("reduction", record)
    return StageReport(
        numbers={
            "documents": len(vectors),
            "fitted": len(rows),
            "dimensions_in": vectors.shape[1],
            "dimensions": reduction.vectors.shape[1],
            "bytes": size,
        },
        records={"steps": list(reduction.record)},
        uri=run.uri("reduced.parquet"),
    )


def _frame(
    rows: NDArray[np.int64], vectors: NDArray[np.floating], places: NDArray[np.float32]
) -> pl.DataFrame:
    """One line a fitted document: its row among all, its place, its vector to cluster."""
    axes = {axis: places[:, i] for i, axis in enumerate(AXES[: places.shape[1]])}
    return pl.DataFrame({ROW: rows, **axes}).with_columns(vector_series(VECTOR, vectors))
