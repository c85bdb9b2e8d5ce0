"""A corpus as arrays of word ids, so that counting phrases is array work."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustering_pipeline.labeling.text import languages, tokens

LINE_BREAK = 1
_SAMPLE = 1_000
# Nearly all short ones are particles and endings.
_HIRAGANA = re.compile("[\u3041-\u309f]+")
# Words that may stand inside a phrase though they may not begin or end one.
_CONNECTORS = frozenset(
    (
        "of",
        "and",
        "for",
        "on",
        "the",
        "de",
        "du",
        "des",
        "del",
        "della",
        "di",
        "da",
        "do",
        "la",
        "los",
    )
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """Every word of every text, end to end, one break (id 0) after each text; lines end at id 1."""

    words: tuple[str, ...]
    ids: np.ndarray
    """(tokens,) int32, index into ``words``; 0 is a break, :data:`LINE_BREAK` the end of a line."""
    texts: np.ndarray
    """(tokens,) int32, which text the token is of."""
    content: np.ndarray
    """(tokens,) bool, whether a phrase may begin or end here."""
    connects: np.ndarray
    """(tokens,) bool, whether a phrase may pass here."""
    n_texts: int


class _Numbers(dict[str, int]):
    """Piece of text to the number of its word: what a piece means is found out once."""

    def __init__(self) -> None:
        self.words = {tokens.BREAK: 0, "\n": LINE_BREAK}
        self["\n"] = LINE_BREAK

    def __missing__(self, piece: str) -> int:
        word = tokens.word_of(piece)
        self[piece] = number = self.words.setdefault(word, len(self.words))
        return number


def encode(texts: Sequence[str], stop_words: Sequence[str] = ()) -> Corpus:
    """Tokenise texts and mark which words of each are stop words of its language.

    ``stop_words`` are further ones; those of several words stand for nothing side by side.
    """
    main = _main_languages(texts)
    numbers = _Numbers()
    rows, lengths, spoken = [], [], []
    for text in texts:
        pieces = [*tokens.pieces(text), tokens.BREAK]
        rows.append(np.fromiter(map(numbers.__getitem__, pieces), np.int32, len(pieces)))
        lengths.append(len(pieces))
        spoken.append(_language(pieces, main))
    ids = np.concatenate(rows) if rows else np.zeros(0, np.int32)
    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    spelled = tuple(numbers.words)
    stop = _stop_table(spelled, main)[np.asarray(spoken, dtype=np.int8)[owners], ids]
    return Corpus(
        words=spelled,
        ids=ids,
        texts=owners,
        content=~stop & (ids > LINE_BREAK) & ~_stopped(ids, numbers.words, stop_words),
        connects=np.fromiter((word in _CONNECTORS for word in spelled), bool)[ids],
        n_texts=len(lengths),
    )


def _stopped(ids: np.ndarray, words: Mapping[str, int], stop_words: Sequence[str]) -> np.ndarray:
    """(tokens,) bool, which tokens are of stop words that somebody named."""
    stopped = np.zeros(len(ids), dtype=bool)
    for entry in stop_words:
        numbers = [words.get(word, -1) for word in tokens.words(entry) if word]
        last = len(ids) - len(numbers) + 1
        if not numbers or last <= 0 or -1 in numbers:
            continue
        same = ids[:last] == numbers[0]
        for step, number in enumerate(numbers[1:], start=1):
            same = same & (ids[step : step + last] == number)
        for step in range(len(numbers)):
            stopped[np.flatnonzero(same) + step] = True
    return stopped


def _main_languages(texts: Sequence[str]) -> tuple[str, ...]:
    step = max(1, len(texts) // _SAMPLE)
    return languages.main_languages(tokens.words(text) for text in texts[::step])


def _language(pieces: Sequence[str], main: tuple[str, ...]) -> int:
    if len(main) == 1:
        return 0
    words = map(tokens.word_of, pieces)
    found = languages.language_of(words, main)
    return main.index(found) if found in main else 0


def _stop_table(words: tuple[str, ...], main: tuple[str, ...]) -> np.ndarray:
    """(languages, words) bool: whether the word names no topic in the language."""
    lists = [languages.stop_words(language) for language in main]
    return np.array([[word in stop or _too_short(word) for word in words] for stop in lists], bool)


def _too_short(word: str) -> bool:
    if _HIRAGANA.fullmatch(word):
        return len(word) < 4
    return len(word) < 2 and not tokens.is_unspaced(word)
