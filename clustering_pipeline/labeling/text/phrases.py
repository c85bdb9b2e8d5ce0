"""Which words and phrases occur in how many texts of each group."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clustering_pipeline.labeling.text.encoding import Corpus
from clustering_pipeline.labeling.text.tokens import joined

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, kw_only=True, eq=False)
class Phrases:
    """Phrases of one to three words; row ``i`` of ``parts`` holds word ids, 0 where none."""

    parts: np.ndarray
    """(phrases, 3) int32."""
    counts: "csr_array"
    """(groups, phrases): texts of the group that hold the phrase."""
    totals: np.ndarray
    """(phrases,): texts of the corpus that hold it, noise included."""
    words: tuple[str, ...]

    def spelled(self, phrase: int) -> tuple[str, ...]:
        """The words of a phrase."""
        return tuple(self.words[int(part)] for part in self.parts[phrase] if part)

    def text(self, phrase: int) -> str:
        """The phrase as a reader writes it."""
        return joined(self.spelled(phrase))


def count_phrases(
    corpus: Corpus, groups: np.ndarray, n_groups: int, weights: np.ndarray
) -> Phrases:
    """Count words and phrases by group; ``groups`` (texts,) holds −1 for noise.

    ``weights`` (texts,) is what a text counts in its group.
    """
    from scipy.sparse import csr_array, hstack  # noqa: PLC0415

    found = [_grams(corpus, length) for length in (1, 2, 3)]
    matrices, totals = [], []
    for parts, numbers, texts in found:
        pairs = _distinct(numbers.astype(np.int64) * corpus.n_texts + texts)
        phrase, text = pairs // max(corpus.n_texts, 1), pairs % max(corpus.n_texts, 1)
        totals.append(np.bincount(phrase, minlength=len(parts)))
        inside = groups[text] >= 0
        where = (groups[text[inside]], phrase[inside])
        matrices.append(csr_array((weights[text[inside]], where), shape=(n_groups, len(parts))))
    return Phrases(
        parts=np.concatenate([parts for parts, _, _ in found]),
        counts=csr_array(hstack(matrices, format="csr")),
        totals=np.concatenate(totals),
        words=corpus.words,
    )


def _grams(corpus: Corpus, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct phrases (n, 3), and for each occurrence its phrase and its text."""
    at = _starts(corpus, length)
    rows = np.stack([corpus.ids[at + step] for step in range(length)], axis=1)
    vocabulary = np.int64(len(corpus.words))
    keys = rows[:, 0].astype(np.int64)
    for column in rows.T[1:]:
        keys = keys * vocabulary + column
    if length == 1:
        return _single_words(keys, corpus.texts[at])
    _, first, number, seen = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    kept = seen >= 2
    renumbered = np.cumsum(kept) - 1
    used = kept[number]
    parts = np.zeros((int(kept.sum()), 3), dtype=np.int32)
    parts[:, :length] = rows[first[kept]]
    return parts, renumbered[number[used]], corpus.texts[at[used]]


def _single_words(
    words: np.ndarray, texts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As above, without a sort: a word is its own number."""
    there = np.bincount(words) > 0
    parts = np.zeros((int(there.sum()), 3), dtype=np.int32)
    parts[:, 0] = np.flatnonzero(there)
    return parts, (np.cumsum(there) - 1)[words], texts


def _distinct(values: np.ndarray) -> np.ndarray:
    """Sorted, once each; NumPy hashes instead, which takes ten times as long here."""
    values.sort()
    first = np.ones(len(values), dtype=bool)
    first[1:] = values[1:] != values[:-1]
    return values[first]


def _starts(corpus: Corpus, length: int) -> np.ndarray:
    last = len(corpus.ids) - length + 1
    if last <= 0:
        return np.zeros(0, dtype=np.int64)
    good = corpus.content[:last] & corpus.content[length - 1 :]
    if length == 1:
        return np.flatnonzero(good & _stands_alone(corpus)[corpus.ids])
    for step in range(1, length - 1):
        inner = slice(step, step + last)
        good = good & (corpus.content[inner] | corpus.connects[inner])
    return np.flatnonzero(good)


def _stands_alone(corpus: Corpus) -> np.ndarray:
    """(words,) bool: one character says too little, even in Chinese, and so does ``11th``."""
    return np.fromiter((len(word) > 1 and word[0].isalpha() for word in corpus.words), bool)
