"""How well the keywords of groups go together, by how often documents have them together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TOP = 10


def coherence(texts: Sequence[str], labels: NDArray[np.int64], *, top: int = TOP) -> float:
    """Mean NPMI (Bouma, 2009) of the pairs among each group's ``top`` c-TF-IDF words."""
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - heavy

    counts = CountVectorizer(stop_words="english", min_df=2).fit_transform(texts).tocsr()
    there = (counts > 0).astype(np.float64).tocsc()
    return float(np.mean([_npmi(there[:, words]) for words in _keywords(counts, labels, top)]))


def _keywords(counts, labels: NDArray[np.int64], top: int) -> list[NDArray[np.int64]]:
    """c-TF-IDF as BERTopic has it: words of a group, weighed by how rare they are over groups."""
    groups = [
        np.asarray(counts[labels == group].sum(axis=0)).ravel() for group in range(labels.max() + 1)
    ]
    table = np.array(groups, dtype=np.float64)
    words_per_group = table.sum() / len(table)
    rarity = np.log(1 + words_per_group / np.maximum(table.sum(axis=0), 1))
    weights = table / np.maximum(table.sum(axis=1, keepdims=True), 1) * rarity
    return [np.argsort(-row, kind="stable")[:top] for row in weights]


def _npmi(there) -> float:
    """Over the pairs of columns; words never seen together count as -1."""
    documents = there.shape[0]
    together = np.asarray((there.T @ there).todense()) / documents
    alone = together.diagonal()
    first, second = np.triu_indices(len(alone), k=1)
    joint, apart = together[first, second], alone[first] * alone[second]
    seen = joint > 0
    values = np.full(len(joint), -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values[seen] = np.log(joint[seen] / apart[seen]) / -np.log(joint[seen])
    return float(np.nan_to_num(values, nan=1.0).mean())
