"""What the clustering stages start from: the exported vectors as the definition wants them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.orchestration.frames import vector_matrix
from clustering_pipeline.orchestration.run import Run

KEYS = ("collection_id", "point_id", "document_id")
VECTOR = "vector"


def exported_vectors(run: Run) -> NDArray[np.float32]:
    """(n, d) vectors as they stand in Qdrant, one row a document, in canonical order."""
    return vector_matrix(run.read_frame("embeddings", columns=[VECTOR])[VECTOR])


def clustering_input(run: Run) -> NDArray[np.float32]:
    """The same, each row scaled to length one when the definition normalises its features."""
    vectors = exported_vectors(run)
    return unit_rows(vectors) if run.spec.vectors.normalize_features else vectors


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
