"""What the clustering stages start from: the exported documents, and their vectors as spaces."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.filters.tree import split_path
from clustering_pipeline.pipeline.run.artifacts import ASSIGNMENTS, EMBEDDINGS
from clustering_pipeline.pipeline.run.columns import KEYS, VECTOR
from clustering_pipeline.pipeline.run.run import Run

Matrix = NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """One clustering of all documents: what tables call it, and the (n, d) vectors it groups.

    A run has one, or one per feature when they are independent.  Its tables hold the documents of
    the first, then those of the next: the rows of this one are ``rows`` of them.
    """

    name: str
    number: int
    vectors: Matrix

    @property
    def rows(self) -> slice:
        """The places of its documents in tables of all clusterings."""
        return slice(self.number * len(self.vectors), (self.number + 1) * len(self.vectors))


def vector_columns(run: Run) -> dict[str, str]:
    """Feature URI to the column of the export that holds its vectors."""
    uris = run.spec.feature_uris
    if len(uris) == 1:
        return {uris[0]: VECTOR}
    return {uri: f"{VECTOR}_{number}" for number, uri in enumerate(uris)}


def payloads(run: Run) -> list[dict[str, Any]]:
    """What each document says, in canonical order."""
    return [
        json.loads(payload)
        for payload in run.read_frame(EMBEDDINGS, columns=["payload"])["payload"]
    ]


def targets(run: Run) -> dict[str, list[object]]:
    """The values of every payload field that a preprocessing step names as its target."""
    names = {step["target"] for step in run.spec.preprocessing if step.get("target")}
    if not names:
        return {}
    documents = payloads(run)
    return {
        name: [engine.value_at(payload, split_path(name)) for payload in documents]
        for name in sorted(names)
    }


def features(run: Run) -> dict[str, Matrix]:
    """Feature URI to (n, d) vectors as they stand in Qdrant, in canonical order."""
    columns = vector_columns(run)
    return {uri: run.read_vectors(EMBEDDINGS, column) for uri, column in columns.items()}


def original_spaces(run: Run) -> tuple[Space, ...]:
    """The vectors before any preprocessing: of one feature as they are, of several together.

    When attributes make the groups there are none: all documents are equally near to each other.
    """
    if run.spec.attributes is not None:
        count = run.read_frame(EMBEDDINGS, columns=KEYS).height
        return (Space(name="", number=0, vectors=np.ones((count, 1), dtype=np.float32)),)
    blocks = features(run)
    return tuple(
        Space(name=name, number=number, vectors=_original(run, {uri: blocks[uri] for uri in uris}))
        for number, (name, uris) in enumerate(run.spec.clusterings.items())
    )


def _original(run: Run, blocks: Mapping[str, Matrix]) -> Matrix:
    if len(blocks) == 1:
        return next(iter(blocks.values()))
    return clustering_space(run, blocks, weights=None)


def original_space(run: Run) -> Matrix:
    """The vectors of all clusterings one after the other, a row for each of ``grouped_documents``.

    Shorter ones end in zeros, which changes no distance and no angle.
    """
    spaces = original_spaces(run)
    if len(spaces) == 1:
        return spaces[0].vectors
    widest = max(space.vectors.shape[1] for space in spaces)
    return np.concatenate(
        [np.pad(space.vectors, ((0, 0), (0, widest - space.vectors.shape[1]))) for space in spaces]
    )


def clustering_spaces(
    run: Run, blocks: Mapping[str, Matrix], *, weights: Mapping[str, float] | None
) -> tuple[Space, ...]:
    """The features of each clustering side by side; ``weights`` serve where there are several."""
    return tuple(
        Space(
            name=name,
            number=number,
            vectors=clustering_space(
                run,
                {uri: blocks[uri] for uri in uris},
                weights=weights if len(uris) == len(blocks) else None,
            ),
        )
        for number, (name, uris) in enumerate(run.spec.clusterings.items())
    )


def clustering_space(
    run: Run, blocks: Mapping[str, Matrix], *, weights: Mapping[str, float] | None
) -> Matrix:
    """(n, sum of d) vectors side by side, normalised and weighed as the definition says."""
    normalize = run.spec.vectors.normalize_features
    return engine.concatenate(blocks, weights=weights, normalize=normalize)


def grouped_documents(run: Run, columns: Sequence[str] = ()) -> pl.DataFrame:
    """The exported ``columns`` beside the group of each document, clustering after clustering.

    Raises StateConflict when the two stages ran over different documents, as happens when only
    some assets of the graph are materialized by hand.
    """
    exported = run.read_frame(EMBEDDINGS, columns=[*KEYS, *columns])
    assignments = run.read_frame(ASSIGNMENTS)
    documents = pl.concat([exported] * len(run.spec.clusterings))
    if not documents.select(KEYS).equals(assignments.select(KEYS)):
        message = "assignments hold other documents than embeddings; materialize both in one run"
        raise StateConflict(message)
    return pl.concat([documents, assignments.drop(KEYS)], how="horizontal")
