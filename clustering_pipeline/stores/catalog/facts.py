"""What free-form values say, as a flat list that one index covers.

``metadata`` has no known fields, so MongoDB cannot compare it as Python does.  It can find the
records that may satisfy an equality, though: those whose list holds the fact asked for, or ``ANY``
because they have too many to list.  Python then decides among these.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from clustering_pipeline.model.filter_text import as_time
from clustering_pipeline.model.filters import Filter, Group, Operator

FACTS = "facts"
ANY = "*"
LARGEST = 200
LONGEST = 200
_SEPARATOR = "\x1f"


def facts_in(name: str, value: Any) -> list[str]:
    """The facts of one free-form field."""
    facts = sorted(set(islice(_facts((name,), value), LARGEST + 1)))
    return facts if len(facts) <= LARGEST else [ANY]


def may_hold(tree: Filter | None, free_form: frozenset[str]) -> dict[str, Any]:
    """A query that no record satisfying ``tree`` fails."""
    if isinstance(tree, Group):
        queries = [query for item in tree.every if (query := may_hold(item, free_form))]
        return {"$and": queries} if queries else {}
    if tree is None or tree.operator is not Operator.EQ or tree.path[0] not in free_form:
        return {}
    told = None if as_time(tree.value) else _told(tree.value)
    return {} if told is None else {FACTS: {"$in": [_fact(tree.path, told), ANY]}}


def _facts(path: tuple[str, ...], value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _facts((*path, key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _facts(path, item)
    elif (told := _told(value)) is not None:
        yield _fact(path, told)


def _fact(path: tuple[str, ...], told: str) -> str:
    return _SEPARATOR.join((*path, told))


def _told(value: object) -> str | None:
    """A scalar as text, equal for values that filters hold equal; None for what they do not."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return f"={value.casefold()[:LONGEST]}"
    if isinstance(value, int | float):
        return repr(int(value)) if value == int(value) else repr(value)
    return None
