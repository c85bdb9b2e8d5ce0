"""Which of a group's best phrases to keep: whole ones, unlike one another.

Maximal marginal relevance: Carbonell and Goldstein 1998.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clustering_pipeline.labeling.text import languages, tokens

_DIVERSITY = 0.35
_MOSTLY_INSIDE = 0.4
_WORD = re.compile(r"[^\s,;:.!?()\"“”·]+")
_ENDINGS = ("ies", "es", "s", "y")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A phrase that might stand for a group."""

    words: tuple[str, ...]
    text: str
    score: float
    count: float
    """Texts of the group that hold it."""


def best_phrases(candidates: Sequence[Candidate], *, top: int) -> list[str]:
    """The best whole phrases, each adding to those before it."""
    whole = _without_parts(candidates)
    ranked = sorted(whole, key=lambda one: (-one.score, one.text))
    return _diverse(_without_variants(ranked), top)


def stems(phrase: str) -> frozenset[str]:
    """Its words without endings: enough to see ``taxes`` in ``tax``."""
    return frozenset(map(_stem, _WORD.findall(phrase.casefold())))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _without_parts(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Drop phrases that mostly occur inside a longer one, which takes over the better score."""
    kept = {one.words: one for one in candidates}
    for words in sorted(kept, key=len, reverse=True):
        longer = kept.get(words)
        for part in _parts(words) if longer else ():
            shorter = kept.get(part)
            if shorter and longer and longer.count >= _MOSTLY_INSIDE * shorter.count:
                longer = replace(longer, score=max(longer.score, shorter.score))
                kept[words] = longer
                del kept[part]
    return list(kept.values())


def _parts(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every shorter run of the words, longest first."""
    return [
        words[start : start + length]
        for length in range(len(words) - 1, 0, -1)
        for start in range(len(words) - length + 1)
    ]


def _without_variants(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Of ``tax`` and ``taxes``, and of two windows onto one longer phrase, the better one."""
    kept: list[Candidate] = []
    seen: set[frozenset[str]] = set()
    for one in ranked:
        if stems(one.text) not in seen and not any(
            _slides(one.words, other.words) for other in kept
        ):
            seen.add(stems(one.text))
            kept.append(one)
    return kept


def _slides(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(one) == len(other) == 3 and (one[1:] == other[:-1] or other[1:] == one[:-1])


def _diverse(ranked: Sequence[Candidate], top: int) -> list[str]:
    """Maximal marginal relevance over the character trigrams of the phrases."""
    left = {one.text: one.score / (ranked[0].score or 1.0) for one in ranked}
    trigrams = {text: tokens.trigrams(f" {text} ") for text in left}
    likeness = dict.fromkeys(left, 0.0)
    chosen: list[str] = []
    while left and len(chosen) < top:
        phrase = max(left, key=lambda text: _marginal(left[text], likeness[text]))
        chosen.append(phrase)
        del left[phrase]
        likeness = _updated(likeness, left, trigrams, phrase)
    return chosen


def _marginal(relevance: float, likeness: float) -> float:
    return (1 - _DIVERSITY) * relevance - _DIVERSITY * likeness


def _updated(
    likeness: Mapping[str, float],
    left: Mapping[str, float],
    trigrams: Mapping[str, set[str]],
    chosen: str,
) -> dict[str, float]:
    theirs = trigrams[chosen]
    return {
        text: max(
            likeness[text], len(trigrams[text] & theirs) / min(len(trigrams[text]), len(theirs))
        )
        for text in left
    }


def telling_words(text: str) -> list[str]:
    """Its words in order, without endings and without the stop words of its language."""
    words = [word for word in tokens.words(text) if word]
    language = languages.language_of(words)
    stop = languages.stop_words(language) if language else frozenset()
    return ["".join(stems(word)) for word in words if word not in stop]
