"""Data frames in and out, of pandas or polars."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import polars as pl

from clustering_pipeline.model.base import listed
from clustering_pipeline.model.errors import InvalidRequest

Library: TypeAlias = Literal["pandas", "polars"]
Metadata: TypeAlias = Any
"""A data frame of pandas or polars, or a mapping of column to values."""
OWN = ("text", "group", "label", "probability", "x", "y", "vector")


def metadata_frame(metadata: Metadata | None, count: int) -> pl.DataFrame:
    """Columns beside the texts; raises InvalidRequest for other than a row a text, and for columns
    that are called like those of the result.
    """
    frame = _polars(metadata)
    if frame is None:
        return pl.DataFrame({"row": range(count)}).select()
    if frame.height != count:
        message = f"metadata has {frame.height} rows and there are {count} texts: give a row a text"
        raise InvalidRequest(message)
    if taken := [name for name in frame.columns if name in OWN]:
        message = f"metadata has {listed(taken)}, as the result has: rename it"
        raise InvalidRequest(message)
    return frame


def _polars(metadata: Metadata | None) -> pl.DataFrame | None:
    if metadata is None or isinstance(metadata, pl.DataFrame):
        return metadata
    if isinstance(metadata, Mapping):
        return pl.DataFrame({str(name): list(values) for name, values in metadata.items()})
    if hasattr(metadata, "__dataframe__") or type(metadata).__module__.startswith("pandas"):
        return cast("pl.DataFrame", pl.from_pandas(metadata.reset_index(drop=True)))
    message = f"metadata is {type(metadata).__name__}: give a data frame, or columns by name"
    raise InvalidRequest(message)


def frame_of(frame: pl.DataFrame, library: Library) -> Any:
    """The frame as one of that library."""
    return frame if library == "polars" else frame.to_pandas()


def column_of(frame: pl.DataFrame, name: str) -> Sequence[Any]:
    """The values of a column; raises InvalidRequest with those there are."""
    if name not in frame.columns:
        known = listed(frame.columns) if frame.columns else "none"
        message = f"metadata has no column {name!r}; it has: {known}"
        raise InvalidRequest(message)
    return frame[name].to_list()
