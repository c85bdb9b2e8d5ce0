"""What the clustering stages start from: the exported documents, and their vectors as one space."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.orchestration.frames import vector_matrix
from clustering_pipeline.orchestration.run import Run

KEYS = ("collection_id", "point_id", "document_id")
VECTOR = "vector"
ROW = "row"

Matrix = NDArray[np.floating]


def vector_columns(run: Run) -> dict[str, str]:
    """Feature URI to the column of the export that holds its vectors."""
    uris = run.spec.feature_uris
    if len(uris) == 1:
        return {uris[0]: VECTOR}
    return {uri: f"{VECTOR}_{number}" for number, uri in enumerate(uris)}


def payloads(run: Run) -> list[dict[str, Any]]:
    """What each document says, in canonical order."""
    return [json.loads(one) for one in run.read_frame("embeddings", columns=["payload"])["payload"]]


def features(run: Run) -> dict[str, Matrix]:
    """Feature URI to (n, d) vectors as they stand in Qdrant, in canonical order."""
    columns = vector_columns(run)
    frame = run.read_frame("embeddings", columns=list(columns.values()))
    return {uri: vector_matrix(frame[column]) for uri, column in columns.items()}


def original_space(run: Run) -> Matrix:
    """(n, d) vectors before any preprocessing: of one feature as they are, of several together.

    When attributes make the groups there are none: all documents are equally near to each other.
    """
    if run.spec.attributes is not None:
        return np.ones((run.read_frame("embeddings", columns=KEYS).height, 1), dtype=np.float32)
    found = features(run)
    if len(found) == 1:
        return next(iter(found.values()))
    return clustering_space(run, found, weights=None)


def clustering_space(
    run: Run, found: Mapping[str, Matrix], *, weights: Mapping[str, float] | None
) -> Matrix:
    """(n, sum of d) vectors side by side, normalised and weighed as the definition says."""
    normalize = run.spec.vectors.normalize_features
    return engine.concatenate(found, weights=weights, normalize=normalize)


def grouped_documents(run: Run, columns: Sequence[str] = ()) -> pl.DataFrame:
    """The exported ``columns`` beside the group of each document.

    Raises StateConflict when the two stages ran over different documents, as happens when only
    some assets of the graph are materialized by hand.
    """
    documents = run.read_frame("embeddings", columns=[*KEYS, *columns])
    assignments = run.read_frame("assignments")
    if not documents.select(KEYS).equals(assignments.select(KEYS)):
        message = "assignments hold other documents than embeddings; materialize both in one run"
        raise StateConflict(message)
    return pl.concat([documents, assignments.drop(KEYS)], how="horizontal")
