"""How large a filter may be, so that every store can answer it, and soon."""

from collections.abc import Mapping

from clustering_pipeline.model.errors import InvalidFilter

MAX_VALUES = 30_000
"""Names, operators and values, those in lists too: ten thousand conditions."""
MAX_TEXT = 2_000_000
"""Characters of all of them."""
MAX_PATTERNS = 20
"""Conditions with a pattern: one may take a twentieth of a second to be understood."""


def check_size(obj: object) -> None:
    """Raises ``InvalidFilter`` for a filter with too much in it, before any of it is read."""
    values = texts = patterns = 0
    pending = [obj]
    while pending:
        one = pending.pop()
        if isinstance(one, Mapping):
            pending += one.values()
            texts += sum(len(key) for key in one if isinstance(key, str))
            patterns += one.get("operator") == "regex"
        elif isinstance(one, list | tuple):
            pending += one
        else:
            values += 1
            texts += len(one) if isinstance(one, str) else 0
    _refuse(values, MAX_VALUES, "names, operators and values")
    _refuse(texts, MAX_TEXT, "characters")
    _refuse(patterns, MAX_PATTERNS, "conditions with the operator regex")


def _refuse(count: int, most: int, what: str) -> None:
    if count > most:
        message = f"the filter has {count:,} {what}: ask for {most:,} at a time, at most"
        raise InvalidFilter(message)
