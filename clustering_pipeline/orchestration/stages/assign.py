import numpy as np

from clustering_pipeline import engine
from clustering_pipeline.engine.numbering import group_count
from clustering_pipeline.orchestration.frames import vector_matrix
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import KEYS, VECTOR, exported_vectors


def assign(run: Run) -> StageReport:
    """Groups the reduced vectors; outliers are scored in the original space."""
    points = vector_matrix(run.read_frame("reduced", columns=[VECTOR])[VECTOR])
    fit = engine.fit(points, algorithm=run.spec.method, params=run.spec.params.model_dump())
    outliers = engine.outlier_scores(exported_vectors(run))
    frame = run.read_frame("embeddings", columns=KEYS).with_columns(
        label=fit.labels, probability=fit.probabilities, outlier_score=outliers
    )
    size = run.write_frame("assignments", frame)
    run.write_json("fit", fit.record)
    noise = int((fit.labels < 0).sum())
    return StageReport(
        numbers={
            "documents": len(points),
            "groups": group_count(fit.labels),
            "noise": noise,
            "noise_ratio": noise / len(points),
            "mean_probability": float(np.mean(fit.probabilities)),
            "bytes": size,
        },
        records={"fit": fit.record},
        uri=run.uri("assignments.parquet"),
    )
