from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine import Centroids
from clustering_pipeline.model.executions.views import Finding
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    DISTANCES,
    FIT,
    METRICS,
    SUMMARIES,
)
from clustering_pipeline.pipeline.run.columns import CENTROID, FEATURE, vector_series
from clustering_pipeline.pipeline.run.hierarchy_levels import Level, levels
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space, original_spaces
from clustering_pipeline.pipeline.stages.attributes import summarize_attributes
from clustering_pipeline.pipeline.stages.findings import findings, grouped, shown
from clustering_pipeline.pipeline.stages.metrics import (
    EXPLAINED,
    FINDINGS,
    Share,
    all_of,
    explained_by_fields,
    fits_of,
    measured,
    numbers_of,
    text_lengths,
    warning,
)

Describe = Callable[[Space, Level], Centroids]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The groups of one clustering, a row each, and its documents' distances to them."""

    space: Space
    groups: pl.DataFrame
    distances: NDArray[np.float64]
    metrics: dict[str, Any]


def summarize(run: Run) -> StageReport:
    """Centroids, distances and metrics, all in the space the vectors came in."""
    if run.spec.attributes is not None:
        return summarize_attributes(run)
    method, check = run.spec.vectors.effective_feature_method, Paced(ask=run.check)

    def describe(space: Space, level: Level) -> Centroids:
        return engine.centroids(space.vectors, level.labels, method, check=check)

    return summarize_by(run, describe, fits=fits_of(run.read_json(FIT)))


def summarize_by(
    run: Run,
    describe: Describe,
    *,
    explained: Sequence[list[Share]] | None = None,
    fits: Sequence[Mapping[str, Any]] | None = None,
) -> StageReport:
    """The same with what ``describe`` says of the groups of a level.

    ``explained`` is what fields explain of each clustering, where that is known; ``fits`` what its
    fit measured, where these groups are what was fitted.
    """
    assignments = run.read_frame(ASSIGNMENTS, columns=["label", "cluster_id", "outlier_score"])
    spaces = original_spaces(run)
    known = fits or [{}] * len(spaces)
    clusterings = [
        _summary(run, space, assignments[space.rows], fit, describe)
        for space, fit in zip(spaces, known, strict=True)
    ]
    labels = [assignments["label"].to_numpy()[space.rows] for space in spaces]
    if explained is None:
        explained = explained_by_fields(run, labels)
    metrics = all_of(
        {
            part.space.name: part.metrics | {EXPLAINED: shares}
            for part, shares in zip(clusterings, explained, strict=True)
        }
    )
    noticed = _noticed(run, spaces, assignments, explained, known)
    summaries = _one_table([part.groups for part in clusterings])
    distances = np.concatenate([part.distances for part in clusterings])
    size = run.write_frame(SUMMARIES, summaries)
    run.write_frame(DISTANCES, pl.DataFrame({"distance_to_centroid": distances}))
    run.write_json(METRICS, metrics | {FINDINGS: [each.model_dump() for each in noticed]})
    return StageReport(
        numbers={"groups": summaries.height, "bytes": size} | numbers_of(metrics),
        texts={
            "space": metrics["space"],
            "degenerate": str(metrics["degenerate"]),
            **warning(metrics[EXPLAINED]),
        },
        markdown=shown(noticed),
        records={EXPLAINED: metrics[EXPLAINED]},
        uri=run.uri(SUMMARIES),
    )


def _noticed(
    run: Run,
    spaces: Sequence[Space],
    assignments: pl.DataFrame,
    explained: Sequence[list[Share]],
    fits: Sequence[Mapping[str, Any]],
) -> list[Finding]:
    lengths = text_lengths(run)
    return findings(
        [
            grouped(
                run.spec.method,
                assignments[space.rows],
                space,
                outlier_scores=assignments["outlier_score"].to_numpy()[space.rows],
                explained=shares,
                lengths=lengths,
                choice=fit.get("choice"),
            )
            for space, shares, fit in zip(spaces, explained, fits, strict=True)
        ]
    )


def _summary(
    run: Run, space: Space, assignments: pl.DataFrame, fit: Mapping[str, Any], describe: Describe
) -> Summary:
    distances = np.full(len(space.vectors), np.nan)
    parts, tops = [], []
    for level in levels(assignments["cluster_id"]):
        middles = describe(space, level)
        # A document's distance is to its deepest group; deeper levels come later.
        distances = np.where(level.labels >= 0, middles.distances, distances)
        parts.append(_table(level, middles))
        tops.append(middles)
    # The contract's metrics are about means, whatever stands for the groups.
    top = tops[0] if run.spec.vectors.effective_feature_method == "mean" else None
    return Summary(
        space=space,
        groups=pl.concat(parts).with_columns(
            pl.lit(space.name).alias(FEATURE),
            feature_dimensions=pl.lit(space.vectors.shape[1], dtype=pl.Int64),
        ),
        distances=distances,
        metrics=measured(
            space, assignments["label"].to_numpy(), fit, check=Paced(ask=run.check), middles=top
        ),
    )


def _table(level: Level, middles: Centroids) -> pl.DataFrame:
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
    ).with_columns(vector_series(CENTROID, middles.vectors))


def _one_table(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Groups of all clusterings level by level, by number; their vectors may differ in length."""
    if len({part.schema[CENTROID] for part in parts}) > 1:
        parts = [part.cast({CENTROID: pl.List(pl.Float32)}) for part in parts]
    if len(parts) == 1:
        return parts[0]
    number = pl.col("cluster_id").str.extract(r"^cl_(\d+)").cast(pl.Int64)
    return pl.concat(parts).sort("hierarchy_level", number, maintain_order=True)
