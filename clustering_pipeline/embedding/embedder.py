"""The one seam: something that makes vectors of texts."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.model.collections import EmbedConfig
from clustering_pipeline.model.errors import EmbeddingFailed
from clustering_pipeline.model.executions.execution import LabelingLedger

Floats = NDArray[np.float32]


class Embedder(Protocol):
    """One model; several threads may ask it at once."""

    @property
    def window(self) -> int:
        """Tokens of a text that it reads; what comes behind them it would not see."""
        ...

    @property
    def ledger(self) -> LabelingLedger:
        """What it has cost so far."""
        ...

    def embed(self, texts: Sequence[str]) -> Floats:
        """(n, d) vectors of n texts, none of them empty; raises EmbeddingFailed."""
        ...


def checked(answer: object, count: int, config: EmbedConfig) -> Floats:
    """What a model answered as (count, d) float32.

    Raises EmbeddingFailed for fewer vectors, for vectors of several lengths, and for NaN.
    """
    try:
        vectors = np.asarray(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        message = f"{config.spelled} answered vectors of several lengths: choose another model"
        raise EmbeddingFailed(message) from error
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:
        shape = " × ".join(map(str, vectors.shape))
        message = (
            f"{config.spelled} answered {shape} numbers for {count} texts: choose another model"
        )
        raise EmbeddingFailed(message)
    if not np.isfinite(vectors).all():
        rows = int((~np.isfinite(vectors).all(axis=1)).sum())
        message = (
            f"{config.spelled} answered NaN or infinity for {rows} texts: choose another model"
        )
        raise EmbeddingFailed(message)
    return vectors


def no_embedder(config: EmbedConfig) -> Embedder:
    """Where nobody says how texts become vectors."""
    message = f"nothing here makes vectors of texts, and {config.spelled} is asked for"
    raise EmbeddingFailed(message)
