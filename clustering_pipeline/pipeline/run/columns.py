"""What the columns of a run's tables are called; and vectors, which are fixed-size arrays there."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEYS = ("collection_id", "point_id", "document_id")
DOCUMENT = KEYS[:2]
PAYLOAD = "payload"
VECTOR = "vector"
ROW = "row"
AXES = ("x", "y", "z")
FEATURE = "feature_name"
CLUSTER_ID = "cluster_id"
FOUND = "found_uid"
NOVEL = "novel"
ASSIGNED_BY = "assigned_by"
NEAREST = "nearest_cluster_id"
CENTROID = "centroid_vector"
VALUES = "attribute_values"


def vector_series(name: str, matrix: NDArray[np.floating]) -> pl.Series:
    """(n, d) numbers as one float32 column of arrays."""
    data = np.ascontiguousarray(matrix, dtype=np.float32)
    return pl.Series(name, data, dtype=pl.Array(pl.Float32, data.shape[1]))


def vector_stack(name: str, matrices: Sequence[NDArray[np.floating]]) -> pl.Series:
    """Matrices one after the other as one column: of lists where their widths differ."""
    parts = [vector_series(name, matrix) for matrix in matrices]
    if len({part.dtype for part in parts}) > 1:
        parts = [part.cast(pl.List(pl.Float32)) for part in parts]
    return pl.concat(parts)


def axes_of(frame: pl.DataFrame) -> list[str]:
    """The map's coordinates that the frame has: x, y and perhaps z."""
    return [axis for axis in AXES if axis in frame.columns]
