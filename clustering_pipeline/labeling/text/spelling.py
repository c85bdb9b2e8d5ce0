"""Phrases as their readers spell them: acronyms in capitals, German nouns with one."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from clustering_pipeline.labeling.text import tokens
from clustering_pipeline.labeling.text.languages import language_of

_SAMPLE = 60
_MOSTLY = 0.7
_SHOUTED = 0.3


def spelled(
    phrases: Mapping[int, Sequence[str]], texts: Sequence[str], labels: np.ndarray
) -> dict[int, list[str]]:
    """The phrases of each group with the capitals that its texts give them."""
    found: dict[int, list[str]] = {}
    for group, listed in phrases.items():
        capitals = _capitals(_sample(texts, labels == group))
        found[group] = [_respelled(phrase, capitals) for phrase in listed]
    return found


def _sample(texts: Sequence[str], inside: np.ndarray) -> list[list[str]]:
    rows = np.flatnonzero(inside)
    step = max(1, len(rows) // _SAMPLE)
    return [tokens.words(texts[row], lower=False) for row in rows[::step]]


def _capitals(sample: list[list[str]]) -> dict[str, str]:
    """Lower-cased word to its usual spelling, where that differs."""
    seen = Counter(word for words in sample for word in words if word)
    shouted = sum(count for word, count in seen.items() if word.isupper() and len(word) > 1)
    if shouted > _SHOUTED * seen.total():
        return {}
    totals: Counter[str] = Counter()
    for word, count in seen.items():
        totals[word.lower()] += count
    nouns = language_of([word.lower() for words in sample for word in words]) == "de"
    return {
        word.lower(): word
        for word, count in seen.items()
        if count >= _MOSTLY * totals[word.lower()]
        and (_is_acronym(word) or (nouns and word.istitle()))
    }


def _is_acronym(word: str) -> bool:
    return word.isupper() and len(word) > 1


def _respelled(phrase: str, capitals: Mapping[str, str]) -> str:
    return " ".join(capitals.get(word, word) for word in phrase.split(" "))
