from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine import Fit, Hierarchy
from clustering_pipeline.engine.numbering import group_count
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.frames import vector_matrix
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.attributes import assign_by_attributes
from clustering_pipeline.orchestration.stages.inputs import (
    KEYS,
    ROW,
    VECTOR,
    original_space,
    payloads,
)

# From here on a fit may take so long that a cancel must be able to end its process.
LONG_FIT = 10_000
# These ask whether to go on by themselves, between blocks of work.
INTERRUPTIBLE = frozenset({"hdbscan"})


def assign(run: Run) -> StageReport:
    """Groups the reduced vectors; outliers are scored in the original space."""
    if run.spec.attributes is not None:
        return assign_by_attributes(run)
    reduced = run.read_frame("reduced", columns=[ROW, VECTOR])
    original = original_space(run)
    fitted = _fit(run, vector_matrix(reduced[VECTOR]))
    labels, probabilities = engine.everywhere(
        original, reduced[ROW].to_numpy(), fitted, lambda: None
    )
    labels, merged = _merge_faces(run, original, labels)
    tree = _divide(run, original, labels)
    ids = [*(engine.group_id(node.path) for node in tree.nodes), NOISE_ID]
    frame = run.read_frame("embeddings", columns=KEYS).with_columns(
        label=labels,
        cluster_id=pl.Series([ids[place] for place in tree.deepest], dtype=pl.String),
        probability=probabilities,
        outlier_score=engine.outlier_scores(original),
    )
    size = run.write_frame("assignments", frame)
    record = fitted.record | merged | {"versions": engine.versions()}
    run.write_json("fit", record)
    return _report(run, labels, probabilities, record, size)


def _fit(run: Run, points: NDArray[np.float32]) -> Fit:
    method, params = run.spec.method, run.spec.params
    if len(points) >= LONG_FIT and method not in INTERRUPTIBLE:
        return engine.fit_in_child(points, algorithm=method, params=params)
    return engine.fit(points, algorithm=method, params=params)


def _merge_faces(
    run: Run, vectors: NDArray[np.floating], labels: Labels
) -> tuple[Labels, dict[str, Any]]:
    config = run.spec.vectors.face_cluster_merge
    if config is None or not config.enabled:
        return labels, {}
    merge = engine.merge_faces(vectors, labels, payloads(run), config)
    joined = {"groups_before": merge.before, "joins": len(merge.joins)}
    return merge.labels, {"face_cluster_merge": joined}


def _divide(run: Run, vectors: NDArray[np.floating], labels: Labels) -> Hierarchy:
    config = run.spec.vectors
    return engine.divide(
        vectors,
        labels,
        algorithm=run.spec.method,
        params=run.spec.params,
        preprocessing=run.spec.preprocessing,
        max_depth=config.max_hierarchy_depth if config.hierarchical else 0,
    )


def _report(
    run: Run,
    labels: Labels,
    probabilities: NDArray[np.float64],
    record: dict[str, Any],
    size: int,
) -> StageReport:
    noise = int((labels < 0).sum())
    return StageReport(
        numbers={
            "documents": len(labels),
            "groups": group_count(labels),
            "noise": noise,
            "noise_ratio": noise / len(labels),
            "mean_probability": float(np.mean(probabilities)),
            "bytes": size,
        },
        records={"fit": record},
        uri=run.uri("assignments.parquet"),
    )
