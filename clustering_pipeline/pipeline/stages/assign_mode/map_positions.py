"""Where new documents lie on a map that stays: among the members of their group most like them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Labels, unit_rows
from clustering_pipeline.pipeline.run.columns import ROW, VECTOR, axes_of, vector_series
from clustering_pipeline.pipeline.run.spaces import Matrix, Space
from clustering_pipeline.pipeline.stages.assign_mode.unchanged import Known
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

_LIKE = 5
_LOOKED_AT = 100

Places = NDArray[np.float64]


def laid_out(reduced: pl.DataFrame, then: slice) -> Places:
    """(n, axes and reduced dimensions) of one clustering's documents; NaN where not laid out."""
    inside = pl.col(ROW).is_between(then.start, then.stop - 1)
    part = reduced.filter(inside)
    if part.is_empty():
        return np.empty((then.stop - then.start, 0))
    axes = axes_of(reduced)
    # A map may have been deferred: no column is no row to polars.
    shown = part.select(axes).to_numpy().reshape(part.height, len(axes))
    known = np.hstack([shown, vector_matrix(part[VECTOR])])
    places = np.full((then.stop - then.start, known.shape[1]), np.nan)
    places[part[ROW].to_numpy() - then.start] = known
    return places


def continued(
    vectors: Matrix, known: Known, labels: Labels, places: Places, nearest: Labels
) -> Places:
    """(n, …) where the documents lie now: those that are as they were where they were.

    ``labels`` and ``places`` are those of the published run's documents; ``nearest`` (m,) are the
    groups of the new ones, each of which gets the mean place of its five most alike members, or
    that of its whole group when no member is as it was.
    """
    stay = np.flatnonzero(known.rows >= 0)
    then = known.rows[stay]
    found = np.full((len(vectors), places.shape[1]), np.nan)
    found[stay] = places[then]
    fresh = known.fresh
    there = ~np.isnan(places).any(axis=1)
    with one_thread():  # products of so few rows are slower on several
        for group in np.unique(nearest[nearest >= 0]).tolist():
            own = there & (labels == group)
            if not own.any():
                continue
            new = fresh[nearest == group]
            rows = _evenly(stay[own[then]])
            found[new] = (
                found[_most_alike(vectors, new, rows)].mean(axis=1)
                if len(rows)
                else places[own].mean(axis=0)
            )
    return found


def _evenly(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    at = np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(np.int64)
    return rows[at]


def _most_alike(
    vectors: Matrix, new: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    cosines = unit_rows(vectors[new]) @ unit_rows(vectors[rows]).T
    return rows[np.argsort(-cosines, axis=1, kind="stable")[:, :_LIKE]]


def together(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all clusterings; their vectors may differ in length."""
    if len({part.schema[VECTOR] for part in parts}) > 1:
        parts = [part.cast({VECTOR: pl.List(pl.Float32)}) for part in parts]
    return pl.concat(parts)


def reduced_frame(places: Places, axes: list[str], space: Space) -> pl.DataFrame:
    """The rows of ``reduced.parquet`` for one clustering."""
    rows = np.flatnonzero(~np.isnan(places).any(axis=1))
    shown = {axis: places[rows, at].astype(np.float32) for at, axis in enumerate(axes)}
    return pl.DataFrame({ROW: space.rows.start + rows, **shown}).with_columns(
        vector_series(VECTOR, places[rows, len(axes) :])
    )
