"""How filters read strings: case, words, ISO dates and patterns."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from itertools import groupby
from sys import maxunicode

from pydantic_core import SchemaError, SchemaValidator, core_schema

from clustering_pipeline.model.errors import InvalidFilter

MAX_PATTERN = 1000

_ISO_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}"
    r"([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?)?)?",
    re.ASCII,
)

# Scripts written without spaces: every character is a word of its own, so that a phrase is a
# substring there, as readers of these scripts expect.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)


def as_time(value: object) -> datetime | None:
    """The instant that an ISO 8601 date or date and time stands for, or None.

    A date is its midnight; a time without an offset is UTC, and one with an offset has seconds
    (these are the forms that Qdrant reads too).
    """
    if isinstance(value, str):
        if len(value) < 10 or value[4] != "-" or not _ISO_DATE.fullmatch(value):
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


@lru_cache(maxsize=64)  # each of up to 10 MB
def compile_pattern(pattern: str, *, case_sensitive: bool) -> Callable[[object], bool]:
    """Whether a string matches ``pattern`` anywhere, in time linear in its length.

    The engine is the one inside pydantic (Rust's ``regex``): no look-around, no backreferences, and
    so no pattern that hangs.
    """
    if len(pattern) > MAX_PATTERN:
        message = f"the pattern has {len(pattern)} characters: use at most {MAX_PATTERN}"
        raise InvalidFilter(message)
    flags = "" if case_sensitive else "(?i)"
    schema = core_schema.str_schema(pattern=flags + pattern, regex_engine="rust-regex", strict=True)
    try:
        validator = SchemaValidator(schema)
    except SchemaError as error:
        reason = str(error).rstrip().rpartition("\n")[2].removeprefix("error: ").strip()
        message = f"the pattern {pattern!r} cannot be used: {reason}"
        raise InvalidFilter(message) from None

    def holds(value: object) -> bool:
        return validator.isinstance_python(value)

    return holds


def tokens(text: str) -> list[str]:
    """The words of ``text`` in order: letters, digits and marks of any script, and underscores."""
    return [match[0] for match in _words().finditer(text)]


@cache
def _words() -> re.Pattern[str]:
    marks = (c for c in range(maxunicode + 1) if unicodedata.category(chr(c)).startswith("M"))
    runs = (
        [code for _, code in run]
        for _, run in groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0])
    )
    marked = "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
    return re.compile(f"[{_UNSPACED}][{marked}]*|(?:(?![{_UNSPACED}])[\\w{marked}])+")


def case_variants(text: str, *, limit: int) -> list[str] | None:
    """Every string that equals ``text`` when case is ignored; None when there are over ``limit``.

    The inverse of ``str.casefold``, with its many-to-one and one-to-many letters (``ß`` and ``ss``,
    ``K`` and the Kelvin sign), so exact in every script.
    """
    folded = text.casefold()
    variants: list[list[str]] = [[""]] + [[] for _ in folded]
    for end in range(1, len(folded) + 1):
        for width in range(1, min(end, 3) + 1):
            sources = _unfold(folded[end - width : end])
            if len(variants[end - width]) * len(sources) > limit:
                return None
            variants[end] += [head + tail for head in variants[end - width] for tail in sources]
        if len(variants[end]) > limit:
            return None
    return variants[-1]


def is_caseless(text: str) -> bool:
    """Whether ignoring case changes nothing: no character of ``text`` is part of a cased one."""
    return _cased().isdisjoint(text)


@cache
def _cased() -> frozenset[str]:
    sources = _unfoldings()
    return frozenset("".join(sources)) | {cased for group in sources.values() for cased in group}


def _unfold(folded: str) -> list[str]:
    itself = [folded] if len(folded) == 1 and folded.casefold() == folded else []
    return itself + _unfoldings().get(folded, [])


@cache
def _unfoldings() -> dict[str, list[str]]:
    sources: dict[str, list[str]] = {}
    for code in range(maxunicode + 1):
        character = chr(code)
        folded = character.casefold()
        if folded != character:
            sources.setdefault(folded, []).append(character)
    return sources
