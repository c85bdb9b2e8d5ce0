"""Columns of vectors as matrices."""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def vector_matrix(series: pl.Series) -> NDArray[np.float32]:
    """One column of arrays, or of lists of one length, as (n, d) float32."""
    array = series.cast(pl.Array(pl.Float32, _width(series)))
    return array.to_numpy().reshape(len(series), _width(series))


def _width(series: pl.Series) -> int:
    if isinstance(series.dtype, pl.Array):
        return int(series.dtype.shape[0])
    return int(series.list.len()[0])
