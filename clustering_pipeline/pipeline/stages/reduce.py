from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.vectors import Check
from clustering_pipeline.pipeline.run.artifacts import REDUCED, REDUCTION
from clustering_pipeline.pipeline.run.columns import AXES, FEATURE, ROW, VECTOR, vector_stack
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import (
    Matrix,
    Space,
    clustering_spaces,
    features,
    targets,
)
from clustering_pipeline.pipeline.stages.attributes import without_vectors
from clustering_pipeline.pipeline.stages.feature_weights import Weights, weigh
from clustering_pipeline.pipeline.stages.map_alignment import steady
from clustering_pipeline.pipeline.stages.neighbors import keep_neighbors

GAP = 0.1  # between the maps of two clusterings, as a share of the wider one


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """The sampled documents of one clustering: their vectors to cluster and their places."""

    space: Space
    rows: NDArray[np.int64]
    vectors: NDArray[np.floating]
    layout: engine.Layout
    neighbors: engine.Neighborhood
    steps: list[dict[str, Any]]


def reduce(run: Run) -> StageReport:
    """Applies the preprocessing steps in order and lays the documents out for the map.

    With more documents than ``sample_size`` both see a uniform, seeded sample.  Of independent
    features each goes through the steps on its own, and their maps lie side by side.
    """
    if run.spec.attributes is not None:
        return without_vectors(run)
    found = features(run)
    weights = weigh(run, found)
    spaces = clustering_spaces(run, found, weights=weights.values)
    return keep_reduced(run, found, [_reduced(run, space) for space in spaces], weights)


def keep_reduced(
    run: Run, found: Mapping[str, Matrix], parts: Sequence[Reduced], weights: Weights
) -> StageReport:
    """Writes the places of all clusterings, kept steady, and what was done for them."""
    spaces = [part.space for part in parts]
    size = run.write_frame(REDUCED, _frame(run, parts))
    steps = [step for part in parts for step in part.steps]
    layouts = [{FEATURE: part.space.name, "start": part.layout.start} for part in parts]
    documents, fitted = len(spaces[0].vectors), len(parts[0].rows)
    record = {
        "input": engine.digest(*(space.vectors for space in spaces)),
        "documents": documents,
        "dimensions": {run.spec.feature_names[uri]: block.shape[1] for uri, block in found.items()},
        "fitted": fitted,
        "steps": steps,
        "layout": layouts,
        "neighbors": keep_neighbors(run, {part.space.name: part.neighbors for part in parts}),
        "weights": weights.values,
        "learning_quality_score": weights.quality,
        "weight_learning": weights.record,
    }
    run.write_json(REDUCTION, record)
    return StageReport(
        numbers={
            "documents": documents,
            "fitted": fitted,
            "dimensions_in": sum(space.vectors.shape[1] for space in spaces),
            "dimensions": sum(part.vectors.shape[1] for part in parts),
            "bytes": size,
        },
        records={"steps": steps},
        uri=run.uri(REDUCED),
    )


def _reduced(run: Run, space: Space) -> Reduced:
    vectors: Matrix = space.vectors
    rows = engine.sample_rows(len(vectors), run.spec.sample_size)
    sampled = vectors if len(rows) == len(vectors) else vectors[rows]
    steps = run.spec.preprocessing
    engine.refuse_what_does_not_fit(
        sampled, algorithm=run.spec.method, params=run.spec.params, preprocessing=steps
    )
    check = Paced(ask=run.check)
    wanted = engine.neighbors_wanted(
        algorithm=run.spec.method, params=run.spec.params, preprocessing=steps
    )
    neighbors = engine.Neighborhood(sampled, check, least=wanted)
    reduction = engine.reduce(
        sampled,
        steps,
        neighbors=neighbors,
        targets=engine.of_rows(targets(run), rows),
        check=check,
    )
    return Reduced(
        space=space,
        rows=rows,
        vectors=reduction.vectors,
        layout=layout_of(run, sampled, neighbors, check),
        neighbors=neighbors,
        steps=[{FEATURE: space.name, **step} for step in reduction.record],
    )


def layout_of(
    run: Run, vectors: Matrix, neighbors: engine.Neighborhood, check: Check
) -> engine.Layout:
    """(n, 2 or 3) places on the map; (n, 0) when it is only drawn once somebody asks for it."""
    if run.spec.defer_visualization:
        nowhere = np.empty((len(vectors), 0), dtype=np.float32)
        return engine.Layout(places=nowhere, start="deferred")
    components = run.spec.vis_n_components
    return engine.layout(vectors, n_components=components, neighbors=neighbors, check=check)


def _frame(run: Run, parts: Sequence[Reduced]) -> pl.DataFrame:
    """One line a fitted document: its row among all, its place, its vector to cluster."""
    rows = np.concatenate([part.space.rows.start + part.rows for part in parts])
    laid_out = [part.space.vectors[part.rows] for part in parts]
    places = steady(
        run, rows, _side_by_side([part.layout.places for part in parts]), laid_out
    ).places
    axes = {axis: places[:, i] for i, axis in enumerate(AXES[: places.shape[1]])}
    vectors = vector_stack(VECTOR, [part.vectors for part in parts])
    return pl.DataFrame({ROW: rows, **axes}).with_columns(vectors)


def _side_by_side(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The first map where it is, each of the others to the right of the one before."""
    placed = [maps[0]]
    for one in maps[1:] if maps[0].shape[1] else ():
        gap = GAP * max(float(np.ptp(one[:, 0])), float(np.ptp(placed[-1][:, 0])), 1.0)
        shifted = one.copy()
        shifted[:, 0] += placed[-1][:, 0].max() + gap - one[:, 0].min()
        placed.append(shifted)
    return np.concatenate(placed if maps[0].shape[1] else maps)
