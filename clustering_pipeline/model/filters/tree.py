"""Filters as clients write them, parsed into a small tree.

What a filter means is written down once, in ``filter_semantics``; stores evaluate as much of the
tree as they can and leave the rest to it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator

from clustering_pipeline.model.errors import InvalidFilter
from clustering_pipeline.model.filters.text import compile_pattern
from clustering_pipeline.model.json_values import check_json

MAX_DEPTH = 16

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_SEGMENT = re.compile(r'"([^"]+)"|([^".]+)')
_GROUP_KEYS = ("AND", "OR", "NOT")
_CONDITION_KEYS = frozenset({"field", "operator", "value", "case_sensitive"})


class Operator(StrEnum):
    """What a condition asks of a field."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    LT = "lt"
    GTE = "gte"
    LTE = "lte"
    IN = "in"
    NIN = "nin"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    REGEX = "regex"
    EXISTS = "exists"
    IS_NULL = "is_null"
    TEXT = "text"
    PHRASE = "phrase"
    WORDS = "words"


ORDERINGS = frozenset({Operator.GT, Operator.LT, Operator.GTE, Operator.LTE})
_LISTS = frozenset({Operator.IN, Operator.NIN})
_FLAGS = frozenset({Operator.EXISTS, Operator.IS_NULL})
_STRINGS = frozenset(
    {
        Operator.STARTS_WITH,
        Operator.ENDS_WITH,
        Operator.REGEX,
        Operator.TEXT,
        Operator.PHRASE,
        Operator.WORDS,
    }
)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One field, one operator, one operand; ``path`` is ``field`` split at its dots."""

    field: str
    path: tuple[str, ...]
    operator: Operator
    value: JSON
    case_sensitive: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Holds if all of ``every``, one of ``some`` (when there are any) and none of ``none`` do."""

    every: "tuple[Filter, ...]" = ()
    some: "tuple[Filter, ...]" = ()
    none: "tuple[Filter, ...]" = ()

    @property
    def selects_all(self) -> bool:
        """Whether nothing is asked at all."""
        return not (self.every or self.some or self.none)


Filter: TypeAlias = Condition | Group


def parse_filter(obj: Mapping[str, object] | None) -> Filter | None:
    """The filter that ``obj`` spells, or None when it selects everything.

    ``obj`` is ``{AND?, OR?, NOT?, case_sensitive?}``; an item is a condition (it has ``field``) or
    a group again; any other key is short for equality.  An empty list of items is no constraint.
    ``case_sensitive`` holds for what a group encloses until a group or condition inside says
    otherwise.  Raises ``InvalidFilter``.
    """
    if obj is None:
        return None
    check_size(obj)
    tree = _item(obj, depth=1, case_sensitive=False)
    return None if isinstance(tree, Group) and tree.selects_all else tree


def split_path(field: str) -> tuple[str, ...]:
    """The keys that ``field`` leads through; a key that holds dots itself stands in quotes."""
    keys: list[str] = []
    position = 0
    while position <= len(field):
        match = _SEGMENT.match(field, position)
        if match is None or field[match.end() : match.end() + 1] not in {"", "."}:
            message = f"field {field!r} is not a path: write keys separated by single dots"
            raise InvalidFilter(message)
        keys.append(match[1] or match[2])
        position = match.end() + 1
    return tuple(keys)


def fields_of(tree: Filter | None) -> frozenset[str]:
    """The top-level keys of a payload that ``tree`` looks at."""
    if tree is None:
        return frozenset()
    if isinstance(tree, Condition):
        return frozenset({tree.path[0]})
    items = (*tree.every, *tree.some, *tree.none)
    return frozenset[str]().union(*(fields_of(item) for item in items))


def _item(obj: object, *, depth: int, case_sensitive: bool) -> Filter:
    if depth > MAX_DEPTH:
        message = f"the filter nests deeper than {MAX_DEPTH} groups: flatten it"
        raise InvalidFilter(message)
    if not isinstance(obj, Mapping):
        message = f"a filter item is a condition or a group, not {_kind(obj)}"
        raise InvalidFilter(message)
    flag = _flag(obj.get("case_sensitive"), default=case_sensitive)
    if "field" in obj:
        return _condition(obj, case_sensitive=flag)
    return _group(obj, depth=depth, case_sensitive=flag)


def _group(obj: Mapping[str, object], *, depth: int, case_sensitive: bool) -> Group:
    parts = {
        key: tuple(
            _item(item, depth=depth + 1, case_sensitive=case_sensitive)
            for item in _items(key, obj.get(key))
        )
        for key in _GROUP_KEYS
    }
    shorthand = tuple(
        _build(key, Operator.EQ, value, case_sensitive=case_sensitive)
        for key, value in obj.items()
        if key not in _GROUP_KEYS and key != "case_sensitive"
    )
    return Group(every=parts["AND"] + shorthand, some=parts["OR"], none=parts["NOT"])


def _condition(obj: Mapping[str, object], *, case_sensitive: bool) -> Condition:
    unknown = sorted(str(key) for key in obj.keys() - _CONDITION_KEYS)
    if unknown:
        message = f"a condition takes field, operator and value, not {', '.join(unknown)}"
        raise InvalidFilter(message)
    field, name = obj["field"], obj.get("operator", "eq")
    try:
        operator = Operator(name)
    except ValueError:
        message = f"unknown operator {name!r}: use one of {', '.join(Operator)}"
        raise InvalidFilter(message) from None
    if "value" not in obj and operator not in _FLAGS:
        message = f"the condition {operator} on field {field!r} has no value"
        raise InvalidFilter(message)
    return _build(field, operator, obj.get("value", True), case_sensitive=case_sensitive)


def _build(field: object, operator: Operator, value: object, *, case_sensitive: bool) -> Condition:
    if not isinstance(field, str) or not field:
        message = f"the field of a condition is a dotted path, not {_kind(field)}"
        raise InvalidFilter(message)
    _check_operand(field, operator, value, case_sensitive=case_sensitive)
    return Condition(
        field=field,
        path=split_path(field),
        operator=operator,
        value=_json(value, field=field, depth=1),
        case_sensitive=case_sensitive,
    )


def _check_operand(field: str, operator: Operator, value: object, *, case_sensitive: bool) -> None:
    takes = None
    if operator in _LISTS and not isinstance(value, list | tuple):
        takes = "a list"
    elif operator in _FLAGS and not isinstance(value, bool):
        takes = "true or false"
    elif operator in _STRINGS and not isinstance(value, str):
        takes = "a string"
    elif operator in ORDERINGS and (
        isinstance(value, bool) or not isinstance(value, int | float | str | date)
    ):
        takes = "a number, a string or an ISO date"
    if takes:
        message = f"{operator} on field {field!r} takes {takes}, not {_kind(value)}"
        raise InvalidFilter(message)
    if operator is Operator.REGEX:
        compile_pattern(str(value), case_sensitive=case_sensitive)


def _json(value: object, *, field: str, depth: int) -> JSON:
    if depth > MAX_DEPTH:
        message = f"the value for field {field!r} nests deeper than {MAX_DEPTH} levels"
        raise InvalidFilter(message)
    if isinstance(value, Mapping):
        _check_settled(field, value)
        return {str(k): _json(v, field=field, depth=depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_json(item, field=field, depth=depth + 1) for item in value)
    if isinstance(value, float) and not math.isfinite(value):
        message = f"the value for field {field!r} is {value}: use a finite number"
        raise InvalidFilter(message)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    message = f"the value for field {field!r} is not JSON: {_kind(value)}"
    raise InvalidFilter(message)


def _check_settled(field: str, value: Mapping[object, object]) -> None:
    """The contract's conditions may take their value from a search request; nobody searches."""
    if value.keys() == {"type", "field"} and value["type"] == "dynamic":
        message = f"the value for field {field!r} is dynamic: there is no search, write the value"
        raise InvalidFilter(message)


def _items(key: str, value: object) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    message = f"{key} takes a list of conditions or groups, not {_kind(value)}"
    raise InvalidFilter(message)


def _flag(value: object, *, default: bool) -> bool:
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    message = f"case_sensitive is true or false, not {_kind(value)}"
    raise InvalidFilter(message)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return "null" if value is None else repr(value)


FILTERS = "filters"


def _check(filters: dict[str, Any]) -> dict[str, Any]:
    try:
        parse_filter(filters)
    except InvalidFilter as error:
        raise ValueError(error.message) from error
    return check_json(filters)


FilterObject = Annotated[dict[str, Any], AfterValidator(_check)]


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
        item = pending.pop()
        if isinstance(item, Mapping):
            pending += item.values()
            texts += sum(len(key) for key in item if isinstance(key, str))
            patterns += item.get("operator") == "regex"
        elif isinstance(item, list | tuple):
            pending += item
        else:
            values += 1
            texts += len(item) if isinstance(item, str) else 0
    _refuse(values, MAX_VALUES, "names, operators and values")
    _refuse(texts, MAX_TEXT, "characters")
    _refuse(patterns, MAX_PATTERNS, "conditions with the operator regex")


def _refuse(count: int, most: int, what: str) -> None:
    if count > most:
        message = f"the filter has {count:,} {what}: ask for {most:,} at a time, at most"
        raise InvalidFilter(message)
