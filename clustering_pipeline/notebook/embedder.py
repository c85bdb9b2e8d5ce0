"""What makes vectors of texts, as people have it in a notebook."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from clustering_pipeline.engine.vectors import Vectors, as_vectors
from clustering_pipeline.model.errors import InvalidRequest


class Encoder(Protocol):
    """As sentence-transformers has it."""

    def encode(self, sentences: Any) -> Any:
        """(n, d) numbers of n texts."""
        ...


class Model(Protocol):
    """As fastembed has it."""

    def embed(self, documents: Any) -> Any:
        """Vectors of texts, one after the other."""
        ...


Embedder: TypeAlias = Callable[[list[str]], Any] | Encoder | Model


def embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """(n, d) float32; raises InvalidRequest where the embedder is none, or answers other than one
    vector of finite numbers for each text.
    """
    answer = _asked(embedder, list(texts))
    if not isinstance(answer, np.ndarray):
        answer = list(answer)
    try:
        vectors = as_vectors(np.asarray(answer))
    except (TypeError, ValueError) as error:
        message = "the embedder's answer is no table of numbers: it is to be (texts, dimensions)"
        raise InvalidRequest(message) from error
    if len(vectors) != len(texts):
        message = f"the embedder made {len(vectors)} vectors of {len(texts)} texts: one each is due"
        raise InvalidRequest(message)
    return vectors


def _asked(embedder: Any, texts: list[str]) -> Any:
    for name in ("encode", "embed"):
        if callable(method := getattr(embedder, name, None)):
            return method(texts)
    if callable(embedder):
        return embedder(texts)
    message = (
        f"embedder is {type(embedder).__name__}: give a function of a list of texts, or a model "
        "with encode or embed"
    )
    raise InvalidRequest(message)
