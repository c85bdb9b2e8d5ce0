"""How far the words of a field tell the groups apart."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from clustering_pipeline.labeling.words.telling import telling_words

_FEWEST_TEXTS = 5
_SEED = 0


def agreement(texts: Sequence[str], labels: np.ndarray) -> float | None:
    """0 when words fall into groups as by chance, 1 when each belongs to one group alone.

    The mean, over words in at least five texts, of the share that the word's commonest group has
    of them, above what the same words reach when the labels are shuffled; ``None`` without any.
    """
    grouped = labels >= 0
    written = [text for text, kept in zip(texts, grouped, strict=True) if kept]
    holders = _holders(written)
    if not holders:
        return None
    known = labels[grouped]
    by_chance = _purity(holders, np.random.default_rng(_SEED).permutation(known))
    return max(0.0, _purity(holders, known) - by_chance) / max(1.0 - by_chance, 1e-9)


def _holders(texts: Sequence[str]) -> list[np.ndarray]:
    """The texts that hold each word, for words that enough of them hold."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        for word in set(telling_words(text)):
            found[word].append(row)
    return [np.array(rows) for rows in found.values() if len(rows) >= _FEWEST_TEXTS]


def _purity(holders: Sequence[np.ndarray], labels: np.ndarray) -> float:
    shares = [np.unique(labels[rows], return_counts=True)[1].max() / len(rows) for rows in holders]
    return float(np.mean(shares))
