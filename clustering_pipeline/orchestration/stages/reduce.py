import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.orchestration.frames import AXES, vector_series
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import VECTOR, clustering_input


def reduce(run: Run) -> StageReport:
    """Applies the preprocessing steps in order and lays the documents out for the map."""
    vectors = clustering_input(run)
    neighbors = engine.Neighborhood(vectors)
    reduction = engine.reduce(vectors, run.spec.preprocessing, neighbors=neighbors)
    places = engine.layout(vectors, n_components=run.spec.vis_n_components, neighbors=neighbors)
    frame = pl.DataFrame({axis: places[:, i] for i, axis in enumerate(AXES[: places.shape[1]])})
    frame = frame.with_columns(vector_series(VECTOR, reduction.vectors))
    size = run.write_frame("reduced", frame)
    run.write_json("reduction", reduction.record)
    return StageReport(
        numbers={
            "documents": len(vectors),
            "dimensions_in": vectors.shape[1],
            "dimensions": reduction.vectors.shape[1],
            "bytes": size,
        },
        records={"steps": list(reduction.record)},
        uri=run.uri("reduced.parquet"),
    )
