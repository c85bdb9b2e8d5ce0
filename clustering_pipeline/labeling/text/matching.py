"""Which texts and names have the words of a query, and how much that says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.labeling.text.tokens import is_unspaced, words
from clustering_pipeline.model.errors import InvalidRequest

MOST_WORDS = 32
_LONG = 4  # letters from which on a word also stands for longer ones: launch, launched


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """Of n texts: ``scores`` (n,) in [0, 1], the words of each by how few texts have them."""

    patterns: tuple[re.Pattern[str], ...]
    weights: NDArray[np.float64]
    """Of each word; they sum to 1."""
    scores: NDArray[np.float64]

    def of_group(self, about: str, members: NDArray[np.bool_]) -> float:
        """How well a group fits: half for the words of what is said ``about`` it, half for its
        members, of which many words in one text count more than one here and there.
        """
        named = np.array([pattern.search(about) is not None for pattern in self.patterns])
        fitting = float((self.scores[members] ** 2).mean()) if members.any() else 0.0
        return float(self.weights @ named.astype(np.float64) + fitting) / 2


def matches(query: str, texts: pl.Series) -> Matches:
    """Compares texts (null where there is none) with a query; raises InvalidRequest for one
    without a word.
    """
    distinct = list(dict.fromkeys(word for word in words(query) if word))[:MOST_WORDS]
    if not distinct:
        message = f"{query[:60]!r} has no word to look for: give one at least"
        raise InvalidRequest(message)
    patterns = tuple(map(_pattern, distinct))
    holds = _holding(texts, patterns)
    weights = np.log1p(len(holds) / (1 + holds.sum(axis=0)))
    weights = (
        weights / weights.sum() if weights.sum() else np.full(len(patterns), 1 / len(patterns))
    )
    return Matches(patterns=patterns, weights=weights, scores=holds @ weights)


def _pattern(word: str) -> re.Pattern[str]:
    """At the beginning of a word; in scripts without spaces anywhere."""
    if is_unspaced(word):
        return re.compile(re.escape(word))
    stem = word[:-1] if len(word) > _LONG and word.endswith("s") else word
    end = "" if len(stem) >= _LONG else r"s?\b"
    return re.compile(rf"\b{re.escape(stem)}{end}", re.IGNORECASE)


def _holding(texts: pl.Series, patterns: Sequence[re.Pattern[str]]) -> NDArray[np.float64]:
    """(texts, words): 1 where the text has the word."""
    columns = [
        texts.str.contains(f"(?i){pattern.pattern}").fill_null(value=False) for pattern in patterns
    ]
    return np.stack([column.to_numpy() for column in columns], axis=1).astype(np.float64)
