"""Text into words, in any script: a regular expression where words are spaced, ICU elsewhere."""

import re
import unicodedata
from itertools import pairwise
from typing import cast

from clustering_pipeline.labeling.text import letters, markup

BREAK = ""
"""Stands where no phrase may pass: punctuation, a line break, a number."""

_ADDRESS = re.compile(
    r"(?i:\b[a-z][a-z0-9+.-]{1,15}://\S+|\b(?:mailto|tel|news|data):\S+|\bwww\.\S+|&[a-z]{2,8};)"
    r"|(?<![\w.+%=-])[\w.+%=-]+@[\w-]+(?:\.[\w-]+)*"
    # Hosts: under an ending that is no word, or of three parts.
    r"|(?<![\w.-])(?:(?:[A-Za-z0-9][\w-]*\.)+(?:com|org|net|edu|gov|mil|info|biz|io|dev|eu|de|uk|fr"
    r"|nl|ch|pl|ru|jp|cn|br|ca|au|dk|cz|kr|tw)|(?:[A-Za-z0-9][\w-]+\.){2,}[a-z]{2})"
    r"(?![\w-]|\.\w)(?:[:/]\S*)?"
)
_DOT = re.compile(r"\.\w")
_SPACED = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’&-][^\W_]+)*|[^\w\s]|\n")
# A hyphen where a dash is meant: "better-but", not "day-to-day".
_DASH = re.compile(
    r"(?<=\w)-(?=(?:and|but|the|that|this|these|we|i|it|they|you|our|is|are|was|which|who|if|not|or)"
    r"\b(?!-))|(?<=\w{6})-(?=(?:in|on|at|for|to|with|from|by|as|of)\b(?!-))",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s$")
# From Hebrew on, scripts with combining marks or without spaces; Hangul has neither.
_NEEDS_ICU = re.compile(
    "[\u0590-\u10ff\u1200-\u1cff\u2e80-\u312f\u3190-\ua95f\ua980-\uabff"
    "\uf900-\ufdff\ufe70-\ufeff\uff66-\uff9f\U00010000-\U0001efff\U00020000-\U0003ffff]"
)
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Thai and Lao "am", one letter to their readers and dictionaries.
_TORN_BY_NFKC = (("\u0e4d\u0e32", "\u0e33"), ("\u0ecd\u0eb2", "\u0eb3"))
_ARABIC_AND_THE = "\u0648\u0627\u0644"


def visible(text: str) -> str:
    """What a reader takes for the text: no markup, no headers, no quotations, nothing unseen."""
    return letters.written(markup.shown(text))


def words(text: str, *, lower: bool = True) -> list[str]:
    """Words of a text in order, with :data:`BREAK` where a phrase must end."""
    return [word_of(piece) for piece in pieces(text, lower=lower)]


def pieces(text: str, *, lower: bool = True) -> list[str]:
    """What a text is made of; each piece is a word or a break, as :func:`word_of` tells."""
    plain = visible(text)
    plain = _ADDRESS.sub("\n", plain) if _addressed(plain) else plain
    plain = unicodedata.normalize("NFKC", plain)
    plain = plain.lower() if lower else plain
    plain = _DASH.sub(" - ", plain) if "-" in plain else plain
    if _NEEDS_ICU.search(plain):
        return _segments(plain)
    return cast("list[str]", _SPACED.findall(plain))


def word_of(piece: str) -> str:
    """The word without what hangs on it, or :data:`BREAK`."""
    if piece.isalpha():
        return piece[1:] if piece.startswith(_ARABIC_AND_THE) else piece
    word = _POSSESSIVE.sub("", piece)
    return word if any(map(str.isalpha, word)) else BREAK


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


def _addressed(text: str) -> bool:
    """Whether :data:`_ADDRESS` may find anything: far cheaper than looking."""
    return "@" in text or "&" in text or "://" in text or _DOT.search(text) is not None


def _segments(plain: str) -> list[str]:
    from icu4py.breakers import WordBreaker  # noqa: PLC0415 - 40 MB of tables, only where needed

    for apart, together in _TORN_BY_NFKC:
        plain = plain.replace(apart, together)
    # A lone surrogate, as some exports hold, is no character to ICU.
    whole = plain.encode(errors="replace").decode()
    return [piece for piece in WordBreaker(whole, "") if piece == "\n" or not piece.isspace()]


def trigrams(text: str) -> set[str]:
    """All runs of three characters; spaces at the ends let its first and last ones count more."""
    return {text[start : start + 3] for start in range(len(text) - 2)}
