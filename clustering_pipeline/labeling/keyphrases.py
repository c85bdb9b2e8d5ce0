"""Keyphrases of each group: class-based TF-IDF, diversified.

Class-based TF-IDF: Grootendorst 2022, "BERTopic", equation 3, on the share of texts that hold a
phrase rather than on raw counts, so that one long text cannot name a group.  Maximal marginal
relevance: Carbonell and Goldstein 1998.
"""

from collections.abc import Sequence

import numpy as np

from clustering_pipeline.labeling.encoding import encode
from clustering_pipeline.labeling.phrases import Phrases, count_phrases

_POOL = 80
_DIVERSITY = 0.35


def keyphrases(texts: Sequence[str], labels: np.ndarray, *, top: int = 10) -> dict[int, list[str]]:
    """The phrases that set each group apart, best first.

    ``labels`` (n,) gives the group of each text, −1 for none: those texts only help to tell what
    is common.  Every group has an entry, an empty one when its texts say nothing.
    """
    labels = np.asarray(labels, dtype=np.int64)
    n_groups = int(labels.max(initial=-1)) + 1
    phrases = count_phrases(encode(texts), labels, n_groups)
    sizes = np.bincount(labels[labels >= 0], minlength=n_groups)
    scores = class_tf_idf(phrases, sizes, n_texts=len(texts))
    found = np.unique(labels[labels >= 0]).tolist()
    return {group: _best(phrases, scores, group, top) for group in found}


def class_tf_idf(phrases: Phrases, sizes: np.ndarray, *, n_texts: int):
    """(groups, phrases) sparse scores."""
    scores = phrases.counts.copy()
    rows = np.repeat(np.arange(len(sizes)), np.diff(scores.indptr))
    average = n_texts / max(len(sizes), 1)
    idf = np.log1p(average / np.maximum(phrases.totals, 1))
    scores.data = scores.data / sizes[rows] * idf[scores.indices]
    return scores


def _best(phrases: Phrases, scores, group: int, top: int) -> list[str]:
    span = slice(scores.indptr[group], scores.indptr[group + 1])
    columns, values = scores.indices[span], scores.data[span]
    counts = phrases.counts.data[span]
    order = np.lexsort((columns, -values))[:_POOL]
    pool = {int(columns[i]): (float(values[i]), float(counts[i])) for i in order}
    kept = _without_parts(phrases, pool)
    return _diverse([(phrases.text(phrase), score) for phrase, score in kept.items()], top)


def _without_parts(phrases: Phrases, pool: dict[int, tuple[float, float]]) -> dict[int, float]:
    """Drop words that mostly occur inside a longer phrase, which inherits their score."""
    scores = {phrase: score for phrase, (score, _) in pool.items()}
    for longer in sorted(pool, key=lambda phrase: -len(phrases.spelled(phrase))):
        inside = set(phrases.spelled(longer))
        for part in list(scores):
            words = set(phrases.spelled(part))
            if not words < inside or longer not in scores:
                continue
            if pool[longer][1] >= 0.4 * pool[part][1]:
                scores[longer] = max(scores[longer], scores.pop(part))
    return scores


def _diverse(candidates: list[tuple[str, float]], top: int) -> list[str]:
    """Maximal marginal relevance over the character trigrams of the phrases."""
    chosen: list[str] = []
    left = dict(sorted(candidates, key=lambda item: (-item[1], item[0])))
    best = max(left.values(), default=1.0)
    while left and len(chosen) < top:
        phrase = max(left, key=lambda name: _marginal(name, left[name] / best, chosen))
        chosen.append(phrase)
        del left[phrase]
    return chosen


def _marginal(phrase: str, relevance: float, chosen: list[str]) -> float:
    likeness = max((_likeness(phrase, other) for other in chosen), default=0.0)
    return (1 - _DIVERSITY) * relevance - _DIVERSITY * likeness


def _likeness(one: str, other: str) -> float:
    ours, theirs = _trigrams(one), _trigrams(other)
    return len(ours & theirs) / max(min(len(ours), len(theirs)), 1)


def _trigrams(phrase: str) -> set[str]:
    padded = f" {phrase} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
