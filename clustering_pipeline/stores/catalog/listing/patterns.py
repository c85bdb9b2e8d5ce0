"""Patterns of filters in MongoDB's terms.

Python matches a pattern in time linear in the text.  MongoDB's engine is another: it reads some
things differently, and can be made to try for ever.  So it gets a pattern only as far as that means
the same to both and leaves few ways to try: characters, classes, alternatives, repeats of one
character, both ends.  From the first piece beyond that the rest is left out; every text that
matches the pattern still matches what is asked, and Python decides among these.

Without that a list of 10,000 definitions by a pattern takes 235 ms (p99, two cores) where it takes
102 ms with it: Python would look at all of them, from whichever index holds what it looks at.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from math import prod

MOST_WAYS = 16
"""In which a text may be tried from one place."""
LARGEST = 500
"""Characters that a pattern may ask for, repeats counted: larger ones the engine refuses."""

_ENDS = {"^": r"\A", "$": r"\z"}
_SPECIAL = frozenset("\\.+*?()|[]{}^$")
_ESCAPED = _SPECIAL | frozenset("#&-~/")
_REPEATING = frozenset("*+?{")
_REPEAT = re.compile(r"(?:([*+?])|\{([0-9]{1,3})(?:(,)([0-9]{0,3}))?\})\??")
_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CLASS = re.compile(r"\[(\^?)((?:[0-9]-[0-9]|[a-z]-[a-z]|[A-Z]-[A-Z]|[\w .,:;!@#%/'\"=])+)\]")
_PUNCTUATION = re.compile(r"[^\w-]")
# Letters of no case, now and in every Unicode to come, as far as a few ranges go.
_CASELESS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")
# What ignoring case adds to the letters of ASCII beyond ASCII.
_BEYOND_ASCII = {"k": "\u212a", "s": "\u017f"}
_OTHERS = r"[^\x00-\x7f]"
_DEEPEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What MongoDB is asked: a text that matches the pattern matches ``regex``."""

    regex: str
    exact: bool
    """Whether the reverse holds too."""
    prefix: str = ""
    """What such a text begins with, case-folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    regex: str
    exact: bool = True
    ways: int = 1
    size: int = 1
    """Characters; none at the ends of a text."""
    loops: bool = False
    once: "_Piece | None" = None
    """Of what may be repeated without end: as often as it must be."""
    literal: str = ""
    """The one text that matches, where there is one."""


_REST = _Piece(regex="", exact=False, size=0)


class _Beyond(Exception):
    """Here begins what is left to Python."""


@lru_cache(maxsize=256)
def asked_of_mongodb(pattern: str, *, case_sensitive: bool) -> Asked | None:
    """As much of a valid pattern as MongoDB may be asked; None where that is nothing."""
    if "\0" in pattern:
        return None
    if pattern.startswith("(?i)"):
        pattern, case_sensitive = pattern[4:], False
    try:
        branches = list(_Reader(pattern, case_sensitive=case_sensitive).branches())
    except _Beyond:
        return None
    whole = _either([_joined(branch) for branch in branches])
    prefix = _prefix(branches[0]) if len(branches) == 1 else ""
    return Asked(regex=whole.regex, exact=whole.exact, prefix=prefix)


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str, *, case_sensitive: bool):
        self._text = text
        self._at = 0
        self._depth = 0
        self._case_sensitive = case_sensitive

    def branches(self) -> Iterator[list[_Piece]]:
        """The alternatives of the whole pattern."""
        yield self._outer()
        while self._take("|"):
            yield self._outer()

    def _outer(self) -> list[_Piece]:
        pieces: list[_Piece] = []
        while self._peek() not in {"", "|"}:
            read = self._at
            try:
                piece = self._piece()
                read = self._at
                # Unless something stands on both sides, how often it is repeated is all the same.
                if piece.once is not None and (not pieces or self._peek() in {"", "|"}):
                    piece = piece.once
                pieces = _checked([*pieces, piece])
            except _Beyond:
                if "|" in self._text[read:] or not any(piece.size for piece in pieces):
                    raise
                self._at = len(self._text)
                return [*pieces, _REST]
        return pieces

    def _inner(self) -> _Piece:
        """The alternatives of a group, up to its end."""
        self._depth += 1
        branches: list[list[_Piece]] = [[]]
        while not self._take(")"):
            if self._take("|"):
                branches.append([])
            else:
                branches[-1].append(self._piece())
        self._depth -= 1
        group = _either([_joined(branch) for branch in branches])
        if group.loops:
            raise _Beyond
        # Without end, and with something behind it, there is too much to try.
        return self._repeated(replace(group, regex=f"(?:{group.regex})"), endless=MOST_WAYS + 1)

    def _piece(self) -> _Piece:
        letter = self._next()
        if letter in _ENDS:
            return self._unrepeated(_Piece(regex=_ENDS[letter], size=0))
        if letter == "(" and self._depth < _DEEPEST and (self._take("?:") or self._peek() != "?"):
            return self._inner()
        if letter == "[":
            return self._repeated(self._class())
        if letter == "\\":
            return self._escaped(self._next())
        if letter == ".":
            return self._repeated(_Piece(regex=r"[^\n]"))
        if letter in _SPECIAL:
            raise _Beyond
        return self._repeated(self._literal(letter))

    def _escaped(self, letter: str) -> _Piece:
        if letter in {"A", "z"}:
            return self._unrepeated(_Piece(regex=f"\\{letter}", size=0))
        if letter in _ESCAPED:
            return self._repeated(self._literal(letter))
        # Which others are digits, letters or spaces depends on the version of Unicode.
        known = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t-\r "}.get(letter)
        if known is None:
            raise _Beyond
        return self._repeated(_Piece(regex=f"(?:[{known}]|{_OTHERS})", exact=False))

    def _class(self) -> _Piece:
        match = _CLASS.match(self._text, self._at - 1)
        if match is None or not (self._case_sensitive or match[2].isascii()):
            raise _Beyond
        self._at = match.end()
        inside = match[2] if self._case_sensitive else match[2] + _cases(match[2])
        return _Piece(regex=f"[{match[1]}{_PUNCTUATION.sub(_escape, inside)}]")

    def _literal(self, letter: str) -> _Piece:
        if self._case_sensitive or (letter.isascii() and not letter.isalpha()):
            return _Piece(regex=re.escape(letter), literal=letter)
        if letter.isascii():
            return _Piece(regex=f"[{letter}{_cases(letter)}]", literal=letter)
        if _CASELESS.match(letter):
            return _Piece(regex=letter, literal=letter)
        return _Piece(regex=r"[\s\S]", exact=False)

    def _repeated(self, piece: _Piece, *, endless: int = 1) -> _Piece:
        match = _REPEAT.match(self._text, self._at)
        if match is None:
            return self._unrepeated(piece)
        self._at = match.end()
        least, most = _bounds(match)
        if most is not None:
            return self._unrepeated(_times(piece, least, most))
        once = _times(piece, least, least)
        regex = f"{piece.regex}{{{least},}}"
        return self._unrepeated(replace(once, regex=regex, ways=endless, loops=True, once=once))

    def _unrepeated(self, piece: _Piece) -> _Piece:
        if self._peek() in _REPEATING:
            raise _Beyond
        return piece

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, text: str) -> bool:
        taken = self._text.startswith(text, self._at)
        self._at += len(text) if taken else 0
        return taken


def _times(piece: _Piece, least: int, most: int) -> _Piece:
    ways = piece.ways**most * (most - least + 1)
    regex = f"{piece.regex}{{{least},{most}}}"
    return replace(piece, regex=regex, ways=ways, size=piece.size * most, literal="")


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    if match[1]:
        return _REPEATS[match[1]]
    least = int(match[2])
    if not match[3]:
        return least, least
    return least, int(match[4]) if match[4] else None


def _cases(letters: str) -> str:
    """The same letters of ASCII, and ranges of them, in the other case, with those beyond ASCII."""
    among = re.compile(f"[{_PUNCTUATION.sub(_escape, letters.lower())}]")
    others = (other for letter, other in _BEYOND_ASCII.items() if among.match(letter))
    return letters.swapcase() + "".join(others)


def _escape(match: re.Match[str]) -> str:
    return f"\\{match[0]}"


def _checked(pieces: list[_Piece]) -> list[_Piece]:
    """The pieces, unless there would be too much to try, or the pattern would be too large."""
    loops = sum(piece.loops for piece in pieces)
    most_loops = 1 if pieces[0].regex == r"\A" else 0
    whole = _joined(pieces)
    if loops > most_loops or whole.ways > MOST_WAYS or whole.size > LARGEST:
        raise _Beyond
    return pieces


def _joined(pieces: Sequence[_Piece]) -> _Piece:
    """One after another."""
    return _Piece(
        regex="".join(piece.regex for piece in pieces),
        exact=all(piece.exact for piece in pieces),
        ways=prod(piece.ways for piece in pieces),
        size=sum(piece.size for piece in pieces),
        loops=any(piece.loops for piece in pieces),
    )


def _either(branches: Sequence[_Piece]) -> _Piece:
    """One or another."""
    regex = "|".join(branch.regex for branch in branches)
    ways = sum(branch.ways for branch in branches)
    return replace(_joined(branches), regex=regex, ways=ways)


def _prefix(pieces: Sequence[_Piece]) -> str:
    if not pieces or pieces[0].regex != r"\A":
        return ""
    literals = takewhile(bool, (piece.literal for piece in pieces[1:]))
    return "".join(literals).casefold()
