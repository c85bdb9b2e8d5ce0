"""Who tells whether a label fits a document."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from clustering_pipeline.labeling.provider import Failure, Provider
from clustering_pipeline.labeling.words.telling import telling_words

Judge: TypeAlias = Callable[[Sequence[str], Sequence[str]], np.ndarray]
"""Labels and documents to a (labels, documents) matrix of how well they fit."""

_TIMEOUT = 60.0
_BATCH = 256


def tf_idf_judge(labels: Sequence[str], documents: Sequence[str]) -> np.ndarray:
    """Cosine of TF-IDF vectors of word stems."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    vectorizer = TfidfVectorizer(analyzer=telling_words, sublinear_tf=True)
    try:
        written = vectorizer.fit_transform(documents)
    except ValueError:  # not one word in all documents
        return np.zeros((len(labels), len(documents)))
    asked = vectorizer.transform(labels)
    return np.asarray((asked @ written.T).toarray())


def embedding_judge(provider: Provider) -> Judge:
    """Cosine of a model's embeddings; TF-IDF where the provider gives none."""

    def judge(labels: Sequence[str], documents: Sequence[str]) -> np.ndarray:
        found = asyncio.run(_embedded(provider, [*labels, *documents]))
        if found is None:
            return tf_idf_judge(labels, documents)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit = found / np.where(lengths > 0, lengths, 1.0)
        return unit[: len(labels)] @ unit[len(labels) :].T

    return judge


async def _embedded(provider: Provider, texts: Sequence[str]) -> np.ndarray | None:
    rows: list[Sequence[float]] = []
    try:
        for start in range(0, len(texts), _BATCH):
            batch = await provider.embed(texts[start : start + _BATCH], timeout=_TIMEOUT)
            if isinstance(batch, Failure):
                return None
            rows.extend(batch)
    finally:
        await provider.close()
    return np.asarray(rows, dtype=np.float64)
