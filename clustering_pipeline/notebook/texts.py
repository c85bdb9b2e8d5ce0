"""Texts in, topics out: what a notebook begins with.

>>> import numpy as np
>>> texts = ["a calm sea", "the sea at night", "waves at sea"] * 4
>>> texts += ["the judge spoke", "a judge and a jury", "the jury left"] * 4
>>> corners = np.repeat(np.eye(8)[:2], 12, axis=0)
>>> two = {"method": "kmeans", "params": {"n_clusters": 2}}
>>> topics = cluster_texts(texts, embeddings=corners, **two)
>>> topics.groups["documents"].tolist()
[12, 12]
>>> topics.documents["group"][[0, 23]].tolist()
[0, 1]
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clustering_pipeline.engine import cluster, layout
from clustering_pipeline.engine.vectors import Vectors, as_vectors
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.notebook.embedder import Embedder, embedded
from clustering_pipeline.notebook.frames import Library, Metadata, metadata_frame
from clustering_pipeline.notebook.naming import named
from clustering_pipeline.notebook.topics import Topics

METHOD = "auto"


def cluster_texts(
    texts: Sequence[str],
    *,
    embedder: Embedder | None = None,
    embeddings: ArrayLike | None = None,
    metadata: Metadata | None = None,
    method: str = METHOD,
    params: Mapping[str, Any] | None = None,
    preprocessing: Sequence[Mapping[str, Any]] | None = None,
    sample_size: int | None = None,
    stop_words: Sequence[str] = (),
    frames: Library = "pandas",
    random_state: int = 42,
) -> Topics:
    """Groups texts that mean similar things, and names the groups by their own words.

    ``embeddings`` is (n, d), or ``embedder`` makes it: a function of a list of texts, or a model
    with ``encode`` (sentence-transformers) or ``embed`` (fastembed).  ``metadata`` is a data frame
    or a mapping of columns, a row a text.  ``method``, ``params`` and ``preprocessing`` are those
    of a definition; ``auto`` chooses all three.  With more than ``sample_size`` texts, groups are
    found on a seeded sample, and the others join them.  The same input gives the same topics.
    Raises InvalidRequest, InvalidVectors and InvalidParameters, each a sentence.
    """
    given = _texts(texts)
    vectors = _vectors(given, embedder, embeddings)
    details = metadata_frame(metadata, len(given))
    how: dict[str, Any] = {"params": params, "preprocessing": preprocessing}
    how |= {"sample_size": sample_size, "random_state": random_state}
    found = cluster(vectors, algorithm=method, **how)
    return Topics(
        texts=tuple(given),
        vectors=vectors,
        numbers=found.labels,
        probabilities=found.probabilities,
        positions=layout(vectors, random_state=random_state).places,
        names=named(given, vectors, found.labels, stop_words=stop_words),
        metadata=details,
        record={
            **found.record,
            "method": method,
            "params": dict(params or {}),
            "steps": [dict(step) for step in preprocessing or ()],
            "sample_size": sample_size,
            "stop_words": list(stop_words),
        },
        embedder=embedder,
        frames=frames,
    )


def _texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        message = "texts is one text: give a list of them"
        raise InvalidRequest(message)
    given = list(texts)
    if not given:
        message = "there are no texts: give at least a few"
        raise InvalidRequest(message)
    for place, text in enumerate(given):
        if not isinstance(text, str):
            message = f"text {place} is {type(text).__name__}: leave it out, or write it as text"
            raise InvalidRequest(message)
    return given


def _vectors(
    texts: Sequence[str], embedder: Embedder | None, embeddings: ArrayLike | None
) -> Vectors:
    if embedder is None and embeddings is None:
        message = (
            "texts have no vectors yet: give embeddings=, (n, d) numbers, or embedder=, a function "
            "or a model that makes them, as SentenceTransformer('all-MiniLM-L6-v2')"
        )
        raise InvalidRequest(message)
    if embeddings is None and embedder is not None:
        return embedded(embedder, texts)
    vectors = as_vectors(np.asarray(embeddings))
    if len(vectors) != len(texts):
        message = f"there are {len(texts)} texts and {len(vectors)} embeddings: give one for each"
        raise InvalidRequest(message)
    return vectors
