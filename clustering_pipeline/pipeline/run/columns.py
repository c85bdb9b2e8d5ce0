"""What the columns of a run's tables are called; and vectors, which are fixed-size arrays there."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

COLLECTION_ID, POINT_ID, DOCUMENT_ID = "collection_id", "point_id", "document_id"
KEYS = (COLLECTION_ID, POINT_ID, DOCUMENT_ID)
DOCUMENT = (COLLECTION_ID, POINT_ID)
PAYLOAD = "payload"
VECTOR = "vector"
ROW = "row"
TEXT = "text"
AXES = ("x", "y", "z")

FEATURE = "feature_name"
CLUSTER_ID = "cluster_id"
PROBABILITY = "probability"
OUTLIER_SCORE = "outlier_score"
DISTANCE = "distance_to_centroid"
FOUND = "found_uid"
NOVEL = "novel"
NEAREST = "nearest_cluster_id"

GROUP_UID = "group_uid"
PREVIOUS = "previous_cluster_id"
MATCHED_BY = "matched_by"
SCORE = "score"
STAYED = "stayed"
KNOWN_SHARE = "known"

PARENT = "parent_cluster_id"
LEVEL = "hierarchy_level"
NUM_MEMBERS = "num_members"
CENTROID = "centroid_vector"
VALUES = "attribute_values"
LABEL = "label"
SUMMARY = "summary"
KEYWORDS = "keywords"
SOURCE = "source"
REPRESENTATIVES = "representative_ids"


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
