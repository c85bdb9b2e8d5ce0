"""Where new documents lie on a map that stays: among the members of their group most like them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import Labels, unit_rows
from clustering_pipeline.orchestration.frames import axes_of, vector_matrix, vector_series
from clustering_pipeline.orchestration.stages.inputs import ROW, VECTOR, Matrix, Space

_LIKE = 5
_LOOKED_AT = 500

Places = NDArray[np.float64]


def laid_out(reduced: pl.DataFrame, space: Space) -> Places:
    """(n, axes and reduced dimensions) of one clustering's documents; NaN where not laid out."""
    inside = pl.col(ROW).is_between(space.rows.start, space.rows.stop - 1)
    part = reduced.filter(inside)
    if part.is_empty():
        return np.empty((len(space.vectors), 0))
    known = np.hstack([part.select(axes_of(reduced)).to_numpy(), vector_matrix(part[VECTOR])])
    places = np.full((len(space.vectors), known.shape[1]), np.nan)
    places[part[ROW].to_numpy() - space.rows.start] = known
    return places


def among_members(
    vectors: Matrix, groups: Labels, before: Space, labels: Labels, places: Places
) -> Places:
    """(m, …) the mean place of the five most alike members of each new document's group.

    ``groups`` (m,) are those of the new documents, ``labels`` and ``places`` (n, …) of the others.
    """
    found = np.full((len(vectors), places.shape[1]), np.nan)
    there = ~np.isnan(places).any(axis=1)
    for group in np.unique(groups[groups >= 0]).tolist():
        rows = np.flatnonzero(there & (labels == group))
        if not len(rows):
            continue
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(np.int64)]
        new = np.flatnonzero(groups == group)
        cosines = unit_rows(vectors[new]) @ unit_rows(before.vectors[rows]).T
        like = np.argsort(-cosines, axis=1, kind="stable")[:, :_LIKE]
        found[new] = places[rows[like]].mean(axis=1)
    return found


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
