"""Text into words, in any script: a regular expression where words are spaced, ICU elsewhere."""

import re
import unicodedata
from itertools import pairwise

BREAK = ""
"""Stands where no phrase may pass: punctuation, a line break, a number."""

_MARKUP = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|<[^<>]{1,200}>|&[a-z]{2,8};")
_SPACED = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’&-][^\W_]+)*|[^\w\s]|\n")
_POSSESSIVE = re.compile(r"['’]s$")
# From Hebrew on, scripts with combining marks or without spaces; Hangul has neither.
_NEEDS_ICU = re.compile(
    "[\u0590-\u10ff\u1200-\u1cff\u2e80-\u312f\u3190-\ua95f\ua980-\uabff"
    "\uf900-\ufdff\ufe70-\ufeff\uff66-\uff9f\U00010000-\U0001efff\U00020000-\U0003ffff]"
)
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def words(text: str) -> list[str]:
    """Lower-cased words of a text in order, with :data:`BREAK` where a phrase must end."""
    plain = unicodedata.normalize("NFKC", _MARKUP.sub("\n", text)).lower()
    pieces = _segments(plain) if _NEEDS_ICU.search(plain) else _SPACED.findall(plain)
    return [_word(piece) for piece in pieces]


def is_unspaced(word: str) -> bool:
    """Whether the word is of a script written without spaces (Chinese, Japanese, Thai, Khmer …)."""
    return _UNSPACED.search(word) is not None


def joined(parts: tuple[str, ...]) -> str:
    """The words as one phrase, spaced as their script is."""
    phrase = parts[0]
    for before, after in pairwise(parts):
        tight = is_unspaced(before[-1]) and is_unspaced(after[0])
        phrase += after if tight else f" {after}"
    return phrase


def _segments(plain: str) -> list[str]:
    from icu4py.breakers import WordBreaker  # noqa: PLC0415 - 40 MB of tables, only where needed

    return [piece for piece in WordBreaker(plain, "") if piece == "\n" or not piece.isspace()]


def _word(piece: str) -> str:
    word = _POSSESSIVE.sub("", piece)
    return word if any(map(str.isalpha, word)) else BREAK
