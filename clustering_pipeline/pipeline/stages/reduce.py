from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.engine.layout.alignment import align, follow
from clustering_pipeline.engine.vectors import Labels, Vectors
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, MEMBERS, REDUCED, REDUCTION
from clustering_pipeline.pipeline.run.columns import (
    AXES,
    DOCUMENT,
    FEATURE,
    ROW,
    VECTOR,
    axes_of,
    vector_stack,
)
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
from clustering_pipeline.pipeline.stages.neighbors import keep_neighbors

GAP = 0.1  # between the maps of two clusterings, as a share of the wider one
_DOCUMENT = (*DOCUMENT, FEATURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Feature URI to weight; None weighs all the same.  ``quality`` and ``record`` when learned."""

    values: Mapping[str, float] | None = None
    quality: float | None = None
    record: Mapping[str, Any] | None = None


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
    blocks = features(run)
    weights = weigh(run, blocks)
    spaces = clustering_spaces(run, blocks, weights=weights.values)
    return keep_reduced(run, blocks, [_reduced(run, space) for space in spaces], weights)


def keep_reduced(
    run: Run, blocks: Mapping[str, Matrix], parts: Sequence[Reduced], weights: Weights
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
        "dimensions": {
            run.spec.feature_names[uri]: block.shape[1] for uri, block in blocks.items()
        },
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
    least = engine.neighbors_wanted(
        algorithm=run.spec.method, params=run.spec.params, preprocessing=steps
    )
    neighbors = engine.Neighborhood(sampled, check, least=least)
    reduction = engine.reduce(
        sampled, steps, neighbors=neighbors, targets=engine.of_rows(targets(run), rows), check=check
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
    for places in maps[1:] if maps[0].shape[1] else ():
        gap = GAP * max(float(np.ptp(places[:, 0])), float(np.ptp(placed[-1][:, 0])), 1.0)
        shifted = places.copy()
        shifted[:, 0] += placed[-1][:, 0].max() + gap - places[:, 0].min()
        placed.append(shifted)
    return np.concatenate(placed if maps[0].shape[1] else maps)


def weigh(run: Run, features: Mapping[str, Matrix]) -> Weights:
    """What the definition gives, or learns by clustering samples under many weights."""
    config = run.spec.vectors
    if config.multi_feature_strategy != "weighted":
        return Weights(values=config.feature_weights)

    check = Paced(ask=run.check)

    def group(vectors: Matrix) -> Labels:
        reduced = engine.reduce(vectors, run.spec.preprocessing, check=check).vectors
        return engine.fit_interruptibly(
            reduced, algorithm=run.spec.method, params=run.spec.params, check=check
        ).labels

    learned = engine.learn_weights(
        features,
        group,
        config.weight_learning_config,
        normalize=config.normalize_features,
        check=check,
    )
    trials = [asdict(trial) for trial in learned.trials]
    return Weights(
        values=learned.weights, quality=learned.metric, record={**learned.record, "trials": trials}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadied:
    """Where the documents lie now, what was done for it, and why."""

    places: NDArray[np.float32]
    applied: str
    reason: str


def steady(
    run: Run, rows: NDArray[np.int64], places: NDArray[np.float32], vectors: Sequence[Vectors]
) -> Steadied:
    """Brings the new map in line with the published one; what was done is in the record.

    ``rows`` are the documents' places among those of all clusterings, one after the other;
    ``vectors`` the laid out ones of each.
    """
    steadied = _steadied(run, rows, places, vectors)
    run.record(layout_stability_applied=steadied.applied, layout_stability_reason=steadied.reason)
    return steadied


def _steadied(
    run: Run, rows: NDArray[np.int64], places: NDArray[np.float32], vectors: Sequence[Vectors]
) -> Steadied:
    stability = run.spec.vectors.layout_stability or "align"
    if not places.shape[1]:
        return Steadied(places=places, applied="none", reason="the map is deferred")
    if stability == "none":
        return Steadied(places=places, applied="none", reason="the definition asks for none")
    if run.published is None:
        return Steadied(places=places, applied="none", reason="there is no earlier map")
    shared = _shared(run, run.published.members_key, rows)
    reason = _why_not(shared, places.shape[1], run.published.run_id)
    if reason:
        return Steadied(places=places, applied="none", reason=reason)
    placed = (
        _followed(places, shared, vectors) if stability == "transform" else _aligned(places, shared)
    )
    reason = f"{shared.height} documents are on the map of {run.published.run_id} too"
    return Steadied(places=placed, applied=stability, reason=reason)


def _why_not(shared: pl.DataFrame, dimensions: int, run_id: str) -> str | None:
    axes = axes_of(shared)
    if len(axes) != dimensions:
        return f"the map of {run_id} has {len(axes) or 'no'} dimensions"
    if shared.height <= dimensions:
        return f"only {shared.height} documents are on the map of {run_id} too"
    return None


def _aligned(places: NDArray[np.float32], shared: pl.DataFrame) -> NDArray[np.float32]:
    earlier = shared.select(axes_of(shared)).to_numpy().astype(np.float32)
    return align(places, shared["place"].to_numpy(), earlier)


def _followed(
    places: NDArray[np.float32], shared: pl.DataFrame, vectors: Sequence[Vectors]
) -> NDArray[np.float32]:
    """Each clustering's documents by their own vectors; those that share none are aligned."""
    placed, first = _aligned(places, shared), 0
    for part in vectors:
        own = shared.filter(pl.col("place").is_between(first, first + len(part) - 1))
        if own.height:
            rows = own["place"].to_numpy() - first
            earlier = own.select(axes_of(own)).to_numpy().astype(np.float32)
            inside = slice(first, first + len(part))
            placed[inside] = follow(placed[inside], part, rows, earlier)
        first += len(part)
    return placed


def _shared(run: Run, members_key: str | None, rows: NDArray[np.int64]) -> pl.DataFrame:
    """Where the laid out documents were before: ``place`` among those laid out now, and axes."""
    if members_key is None:
        return pl.DataFrame(schema={"place": pl.Int64})
    before = MEMBERS.read_at(run.pipeline.artifacts, members_key)
    axes = [axis for axis in AXES if axis in before.columns]
    if FEATURE not in before.columns:
        before = before.with_columns(pl.lit(next(iter(run.spec.clusterings))).alias(FEATURE))
    earlier = before.select(*_DOCUMENT, *axes).drop_nulls(axes)
    return _documents(run, rows).join(earlier, on=_DOCUMENT, maintain_order="left")


def _documents(run: Run, rows: NDArray[np.int64]) -> pl.DataFrame:
    keys = run.read_frame(EMBEDDINGS, columns=DOCUMENT)
    names = np.array(list(run.spec.clusterings), dtype=object)
    return keys[rows % max(keys.height, 1)].with_columns(
        pl.Series(FEATURE, names[rows // max(keys.height, 1)].tolist(), dtype=pl.String),
        place=pl.Series(range(len(rows)), dtype=pl.Int64),
    )


def lay_out(run: Run) -> StageReport:
    """The same of a composite run: documents get their places.

    What is grouped are centroids; preprocessing is for them, in the next stage.
    """
    blocks = features(run)
    weights = Weights(values=run.spec.vectors.feature_weights)
    spaces = clustering_spaces(run, blocks, weights=weights.values)
    return keep_reduced(run, blocks, [_laid_out(run, space) for space in spaces], weights)


def _laid_out(run: Run, space: Space) -> Reduced:
    rows = engine.sample_rows(len(space.vectors), run.spec.sample_size)
    vectors, check = space.vectors[rows], Paced(ask=run.check)
    neighbors = engine.Neighborhood(vectors, check)
    layout = layout_of(run, vectors, neighbors, check)
    return Reduced(
        space=space, rows=rows, vectors=vectors, layout=layout, neighbors=neighbors, steps=[]
    )
