"""What free-form values say, as a flat list that one index covers.

``metadata`` has no known fields, so MongoDB cannot compare it as Python does.  It can find the
records that may satisfy an equality, though, or begin as asked: those whose list holds such a fact,
or ``ANY`` because they have too many to list.  Numbers, patterns and what is there at all it looks
for in the values themselves.  Python then decides among these.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from bson import Regex

from clustering_pipeline.model.filters.text import as_time
from clustering_pipeline.model.filters.tree import ORDERINGS, Condition, Filter, Group, Operator
from clustering_pipeline.stores.catalog.listing.patterns import asked_of_mongodb

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
        some = [may_hold(item, free_form) for item in tree.some]
        if some and all(some):
            queries.append({"$or": some})
        return {"$and": queries} if queries else {}
    if tree is None or tree.path[0] not in free_form:
        return {}
    ask = _ASKED.get(tree.operator)
    asked = ask(tree) if ask else None
    if asked is not None:
        return {FACTS: {"$in": [*asked, ANY]}}
    looked_for = _looked_for(tree)
    return {f"view.{'.'.join(tree.path)}": looked_for} if looked_for else {}


def _looked_for(condition: Condition) -> dict[str, Any]:
    """What some value has where the condition's path leads, as MongoDB follows it.

    It goes into lists wherever Python does, and takes a number in the path for a place in a list
    besides.
    """
    if any(not key or key.startswith("$") or {".", "\0"} & set(key) for key in condition.path):
        return {}
    value = condition.value
    if condition.operator in ORDERINGS and _comparable(value):
        return {f"${condition.operator}": value}
    if condition.operator is Operator.REGEX:
        asked = asked_of_mongodb(str(value), case_sensitive=condition.case_sensitive)
        return {"$regex": asked.regex} if asked else {}
    exists = condition.operator is Operator.EXISTS and value is True
    return {"$exists": True} if exists else {}


def _comparable(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 2**63


def _equal(condition: Condition) -> Sequence[str] | None:
    return _any_of(condition, [condition.value])


def _among(condition: Condition) -> Sequence[str] | None:
    options = condition.value
    return _any_of(condition, options) if isinstance(options, list | tuple) else None


def _any_of(condition: Condition, values: Sequence[object]) -> Sequence[str] | None:
    texts = [None if as_time(value) else _as_text(value) for value in values]
    facts = [_fact(condition.path, text) for text in texts if text is not None]
    return facts if len(facts) == len(texts) else None


def _beginning(condition: Condition) -> Sequence[Regex[str]] | None:
    return _begun(condition, str(condition.value).casefold())


def _matching(condition: Condition) -> Sequence[Regex[str]] | None:
    asked = asked_of_mongodb(str(condition.value), case_sensitive=condition.case_sensitive)
    return _begun(condition, asked.prefix if asked else "")


def _begun(condition: Condition, prefix: str) -> Sequence[Regex[str]] | None:
    if not prefix or "\0" in prefix:
        return None
    fact = _fact(condition.path, f"={prefix[:LONGEST]}")
    return [Regex(rf"\A{re.escape(fact)}")]


_ASKED: Mapping[Operator, Callable[[Condition], Sequence[Any] | None]] = {
    Operator.EQ: _equal,
    Operator.IN: _among,
    Operator.STARTS_WITH: _beginning,
    Operator.REGEX: _matching,
}


def _facts(path: tuple[str, ...], value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _facts((*path, key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _facts(path, item)
    elif (text := _as_text(value)) is not None:
        yield _fact(path, text)


def _fact(path: tuple[str, ...], text: str) -> str:
    return _SEPARATOR.join((*path, text))


def _as_text(value: object) -> str | None:
    """A scalar as text, equal for values that filters hold equal; None for what they do not."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return f"={value.casefold()[:LONGEST]}"
    if isinstance(value, int | float):
        return repr(int(value)) if value == int(value) else repr(value)
    return None
