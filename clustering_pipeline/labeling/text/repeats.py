"""What several texts say word for word counts once: signatures, subjects, quotations, copies.

A passage is a line that stands in several texts, or eight words in a row that do (the contiguous
overlap by which copies are recognised: Broder 1997, "On the resemblance and containment of
documents").  Its words are counted for the passage, once in each group, and not for the texts.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from clustering_pipeline.labeling.text.encoding import LINE_BREAK, Corpus

_RUN = 8
_SHORTEST_LINE = 2
_BASE = np.uint64(0x100000001B3)
# Between phrases said equally often, the one that more texts repeat.
_EDGE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted:
    """A corpus whose tokens are of sources: of texts, and of passages that texts share."""

    corpus: Corpus
    groups: np.ndarray
    """(sources,): the group of each, −1 for none."""
    weights: np.ndarray
    """(sources,): 1, and hardly more for what many texts repeat."""
    sizes: np.ndarray
    """(groups,): sources that say something."""
    n_sources: int


def counted_once(corpus: Corpus, labels: np.ndarray, n_groups: int) -> Counted:
    """The corpus with each passage as a source of its own in every group that has it."""
    words = np.flatnonzero(corpus.ids > LINE_BREAK)
    passages = _passages(corpus, words)
    at = words[passages >= 0]
    texts = corpus.texts[at]
    keys = passages[passages >= 0] * (n_groups + 1) + labels[texts] + 1
    kinds, number = np.unique(keys, return_inverse=True)
    sources = corpus.texts.astype(np.int64)
    sources[at] = corpus.n_texts + number
    groups = np.concatenate([labels, kinds % (n_groups + 1) - 1])
    pairs = np.unique(number * corpus.n_texts + texts)
    holders = np.bincount(pairs // max(corpus.n_texts, 1), minlength=len(kinds))
    weights = np.concatenate(
        [np.ones(corpus.n_texts), 1.0 + _EDGE * np.log2(np.maximum(holders, 1))]
    )
    speaks = np.ones(len(groups), dtype=bool)
    # A text that only repeats is none beside what it repeats.
    speaks[texts] = False
    speaks[sources[words]] = True
    inside = groups[speaks & (groups >= 0)]
    return Counted(
        corpus=replace(corpus, texts=sources, n_texts=len(groups)),
        groups=groups,
        weights=weights,
        sizes=np.bincount(inside, minlength=n_groups),
        n_sources=int(speaks.sum()),
    )


def _passages(corpus: Corpus, words: np.ndarray) -> np.ndarray:
    """(words,) the passage that each word is of, −1 for none."""
    signs = _signs(corpus)[corpus.ids[words]]
    texts = corpus.texts[words]
    lines, runs = _lines(corpus, words, signs, texts), _runs(signs, texts)
    offset = runs.max(initial=-1) + 1
    return np.where((runs < 0) & (lines >= 0), lines + offset, runs)


def _signs(corpus: Corpus) -> np.ndarray:
    """(vocabulary,) a number for each word, the same in every corpus."""
    digests = (blake2b(word.encode(errors="replace"), digest_size=8) for word in corpus.words)
    return np.frombuffer(b"".join(digest.digest() for digest in digests), dtype=np.uint64)


def _lines(corpus: Corpus, words: np.ndarray, signs: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """For each word, the line that several texts have; −1 for others."""
    if not len(words):
        return np.zeros(0, dtype=np.int64)
    numbers = np.cumsum(corpus.ids == LINE_BREAK)[words] + texts
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    lengths = np.diff(starts, append=len(words))
    place = np.arange(len(words)) - np.repeat(starts, lengths)
    powers = np.cumprod(np.full(int(lengths.max()), _BASE))
    hashes = np.add.reduceat(signs * powers[place], starts)
    shared = _shared(hashes, texts[starts])
    shared[lengths < _SHORTEST_LINE] = -1
    return np.repeat(shared, lengths)


def _runs(signs: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """For each word, the run around it that most texts have; −1 where no two have one."""
    passages = np.full(len(signs), -1, dtype=np.int64)
    last = len(signs) - _RUN + 1
    if last <= 0:
        return passages
    whole = np.flatnonzero(texts[:last] == texts[_RUN - 1 :])
    hashes = np.zeros(len(whole), dtype=np.uint64)
    for step in range(_RUN):
        hashes = hashes * _BASE + signs[whole + step]
    shared = _shared(hashes, texts[whole])
    starts, shared = whole[shared >= 0], shared[shared >= 0]
    for step in range(_RUN):
        covered = passages[starts + step]
        passages[starts + step] = np.where(covered < 0, shared, np.minimum(covered, shared))
    return passages


def _shared(hashes: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """A number for each hash that several texts have, the commonest first; −1 for the others."""
    order = np.argsort(hashes, kind="stable")
    ranked, owners = hashes[order], texts[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(ranked)])
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    several = np.minimum.reduceat(owners, starts) != np.maximum.reduceat(owners, starts)
    counts = np.diff(starts, append=len(ranked))
    numbers = np.full(len(starts), -1, dtype=np.int64)
    common = np.flatnonzero(several)
    numbers[common[np.argsort(-counts[common], kind="stable")]] = np.arange(len(common))
    shared = np.empty(len(hashes), dtype=np.int64)
    shared[order] = np.repeat(numbers, counts)
    return shared
