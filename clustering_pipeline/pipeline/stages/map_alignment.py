"""Keeps the map in place from run to run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.layout.alignment import align, follow
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS
from clustering_pipeline.pipeline.run.columns import AXES, FEATURE, axes_of
from clustering_pipeline.pipeline.run.run import Run

_DOCUMENT = ["collection_id", "point_id", FEATURE]


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
    found = _steadied(run, rows, places, vectors)
    run.record(layout_stability_applied=found.applied, layout_stability_reason=found.reason)
    return found


def _steadied(
    run: Run, rows: NDArray[np.int64], places: NDArray[np.float32], vectors: Sequence[Vectors]
) -> Steadied:
    wanted = run.spec.vectors.layout_stability or "align"
    if not places.shape[1]:
        return Steadied(places=places, applied="none", reason="the map is deferred")
    if wanted == "none":
        return Steadied(places=places, applied="none", reason="the definition asks for none")
    if run.published is None:
        return Steadied(places=places, applied="none", reason="there is no earlier map")
    shared = _shared(run, run.published.members_key, rows)
    reason = _why_not(shared, places.shape[1], run.published.run_id)
    if reason:
        return Steadied(places=places, applied="none", reason=reason)
    placed = (
        _followed(places, shared, vectors) if wanted == "transform" else _aligned(places, shared)
    )
    reason = f"{shared.height} documents are on the map of {run.published.run_id} too"
    return Steadied(places=placed, applied=wanted, reason=reason)


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
    before = run.pipeline.artifacts.read_frame(members_key)
    axes = [axis for axis in AXES if axis in before.columns]
    if FEATURE not in before.columns:
        before = before.with_columns(pl.lit(next(iter(run.spec.clusterings))).alias(FEATURE))
    earlier = before.select(*_DOCUMENT, *axes).drop_nulls(axes)
    return _documents(run, rows).join(earlier, on=_DOCUMENT, maintain_order="left")


def _documents(run: Run, rows: NDArray[np.int64]) -> pl.DataFrame:
    keys = run.read_frame(EMBEDDINGS, columns=_DOCUMENT[:2])
    names = np.array(list(run.spec.clusterings), dtype=object)
    return keys[rows % max(keys.height, 1)].with_columns(
        pl.Series(FEATURE, names[rows // max(keys.height, 1)].tolist(), dtype=pl.String),
        place=pl.Series(range(len(rows)), dtype=pl.Int64),
    )
