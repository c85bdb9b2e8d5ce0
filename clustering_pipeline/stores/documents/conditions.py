"""One condition as Qdrant would evaluate it."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import TypeVar

from qdrant_client import grpc

from clustering_pipeline.model.collections import DOCUMENT_ID
from clustering_pipeline.model.filters.text import as_time, case_variants, is_caseless, tokens
from clustering_pipeline.model.filters.tree import ORDERINGS, Condition, Operator
from clustering_pipeline.model.ids import is_point_id, is_whole
from clustering_pipeline.stores.documents.codec import write_id
from clustering_pipeline.stores.documents.types import UNLIMITED, Limits

Item = TypeVar("Item")
_MAX_SPELLINGS = 256
_MAX_PATH = 4  # a path of n keys may cross n - 1 lists, and each asks for conditions of its own
_EXACT_FLOATS = 2**53
_INT64 = 2**63
_YEARS = range(1000, 9000)
_INTEGER, _FLOAT = grpc.PayloadSchemaType.Integer, grpc.PayloadSchemaType.Float
_DATETIME, _UUID = grpc.PayloadSchemaType.Datetime, grpc.PayloadSchemaType.Uuid
_KEYWORD, _BOOL = grpc.PayloadSchemaType.Keyword, grpc.PayloadSchemaType.Bool
_ANY_INDEX = frozenset(grpc.PayloadSchemaType.values()) - {grpc.PayloadSchemaType.UnknownType}
_LAST_NANOSECOND = 999


@dataclass(frozen=True, kw_only=True)
class Bound:
    """``filter`` selects what it stands for and maybe more, or exactly that; None is everything."""

    filter: grpc.Filter | None = None
    exact: bool = False


EVERYTHING = Bound(exact=True)
UNKNOWN = Bound()
NOTHING = Bound(
    filter=grpc.Filter(must=[grpc.Condition(has_id=grpc.HasIdCondition(has_id=[]))]), exact=True
)


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What the fields of a collection can be asked."""

    indexes: Mapping[str, int]
    substrings: bool
    limits: Limits = UNLIMITED

    def keys(
        self, path: Sequence[str], *, by: Collection[int], besides: Sequence[int] = ()
    ) -> list[str]:
        """How Qdrant addresses ``path``, once for every way it can cross lists of objects.

        None at all when it cannot, when an index of a type in ``besides`` would answer instead of
        the payload and not alike, or when no index of a type in ``by`` answers where one has to.
        """
        names = [quoted(key) for key in path]
        if len(path) > _MAX_PATH or None in names or not self._kinds(path).isdisjoint(besides):
            return []
        heads = [(f"{name}.", f"{name}[].") for name in names[:-1]]
        keys = ["".join((*head, str(names[-1]))) for head in product(*heads)]
        allowed = self.limits.unindexed or all(self.indexes.get(key) in by for key in keys)
        return keys if allowed else []

    def _kinds(self, path: Sequence[str]) -> set[int]:
        plain = ".".join(path)
        return {
            kind
            for field, kind in self.indexes.items()
            if field.replace("[]", "").replace('"', "") == plain
        }


def bound(condition: Condition, fields: Fields) -> Bound:
    """The bound of one condition."""
    if condition.path[0] == DOCUMENT_ID:
        return _of_ids(condition, fields)
    return _BOUNDS.get(condition.operator, _unknown)(condition, fields)


def _of_ids(condition: Condition, fields: Fields) -> Bound:
    """What a document goes by is its payload's ``document_id``, or else its point's own id."""
    single = (condition.value,) if condition.operator is Operator.EQ else None
    operands = condition.value if condition.operator is Operator.IN else single
    if len(condition.path) > 1 or not isinstance(operands, tuple):
        return UNKNOWN
    if any(isinstance(value, bool) or not isinstance(value, str | int) for value in operands):
        return UNKNOWN
    texts = [str(value) for value in operands]
    spellings = [_spelled(text, condition) for text in texts if as_time(text) is None]
    if None in spellings:
        return UNKNOWN
    # One condition for each kind: a thousand of them would be asked of every point.
    strings = [spelling for several in spellings for spelling in several or ()]
    numbers = [int(text) for text in texts if is_whole(text) and abs(int(text)) < _INT64]
    ids = [write_id(text.lower()) for text in texts if is_point_id(text.lower())]
    matches = [
        *(
            (grpc.Match(keywords=grpc.RepeatedStrings(strings=part)), _KEYWORD)
            for part in _parts(strings, fields)
        ),
        *(
            (grpc.Match(integers=grpc.RepeatedIntegers(integers=part)), _INTEGER)
            for part in _parts(numbers, fields)
        ),
    ]
    times = [_equal_to_string(text, condition, fields) for text in texts if as_time(text)]
    own = [
        Bound(filter=grpc.Filter(must=[grpc.Condition(has_id=grpc.HasIdCondition(has_id=part))]))
        for part in _parts(ids, fields)
    ]
    written = [
        _any(fields.keys(condition.path, by=[kind], besides=[_UUID]), exact=False, match=match)
        for match, kind in matches
    ]
    return Bound(filter=either([*written, *times, *own]).filter)


def _parts(operands: Sequence[Item], fields: Fields) -> list[Sequence[Item]]:
    """As many at a time as one condition may hold."""
    step = fields.limits.operands or max(1, len(operands))
    return [operands[start : start + step] for start in range(0, len(operands), step)]


def _spelled(text: str, condition: Condition) -> list[str] | None:
    if condition.case_sensitive:
        return [text]
    return case_variants(text, limit=_MAX_SPELLINGS)


def _unknown(_: Condition, __: Fields) -> Bound:
    return UNKNOWN


def _equal(condition: Condition, fields: Fields) -> Bound:
    return _equal_to(condition.value, condition, fields)


def _unequal(condition: Condition, fields: Fields) -> Bound:
    return _complement(_equal(condition, fields))


def _member(condition: Condition, fields: Fields) -> Bound:
    operands = condition.value if isinstance(condition.value, tuple) else ()
    return either([_equal_to(value, condition, fields) for value in operands])


def _not_member(condition: Condition, fields: Fields) -> Bound:
    return _complement(_member(condition, fields))


def _complement(positive: Bound) -> Bound:
    if positive.filter is None or not positive.exact:
        return UNKNOWN
    if positive is NOTHING:
        return EVERYTHING
    negative = grpc.Filter(must_not=[grpc.Condition(filter=positive.filter)])
    return Bound(filter=negative, exact=True)


def _equal_to(value: object, condition: Condition, fields: Fields) -> Bound:
    match value:
        case None:
            return _null(condition, fields)
        case bool():
            matched = grpc.Match(boolean=value)
            return _any(fields.keys(condition.path, by=[_BOOL]), exact=True, match=matched)
        case int() | float():
            return _numbers(condition, fields, low=value, high=value)
        case str():
            return _equal_to_string(value, condition, fields)
        case _:
            return UNKNOWN


def _equal_to_string(value: str, condition: Condition, fields: Fields) -> Bound:
    instant = as_time(value)
    if instant is not None:
        return _times(condition, fields, low=instant, high=instant)
    spellings = _spelled(value, condition)
    if spellings is None:
        return UNKNOWN
    matched = grpc.Match(keywords=grpc.RepeatedStrings(strings=spellings))
    if fields.limits.operands is not None and len(spellings) > fields.limits.operands:
        return UNKNOWN
    keys = fields.keys(condition.path, by=[_KEYWORD], besides=[_UUID])
    return _any(keys, exact=True, match=matched)


def _null(condition: Condition, fields: Fields) -> Bound:
    # Qdrant's "empty" takes an empty list for null as well, and crosses no list of objects.
    keys = fields.keys(condition.path, by=_ANY_INDEX) if len(condition.path) == 1 else []
    if not keys:
        return UNKNOWN
    (key,) = keys
    # Only an index finds a list that holds null by the field itself.
    nulls = [key] if fields.indexes.get(key) in _ANY_INDEX else [key, f"{key}[]"]
    conditions = [
        *(grpc.Condition(is_null=grpc.IsNullCondition(key=null)) for null in nulls),
        grpc.Condition(is_empty=grpc.IsEmptyCondition(key=key)),
    ]
    return Bound(filter=grpc.Filter(should=conditions))


def _is_null(condition: Condition, fields: Fields) -> Bound:
    return _null(condition, fields) if condition.value is True else UNKNOWN


def _exists(condition: Condition, fields: Fields) -> Bound:
    return UNKNOWN if condition.value is True else _null(condition, fields)


def _ordered(condition: Condition, fields: Fields) -> Bound:
    value, operator = condition.value, condition.operator
    below = operator in {Operator.LT, Operator.LTE}
    if isinstance(value, int | float):
        ends = {"high": value} if below else {"low": value}
        return _numbers(condition, fields, **ends, strict=operator in {Operator.GT, Operator.LT})
    instant = as_time(value)
    if instant is None:
        return UNKNOWN
    return _times(condition, fields, **({"high": instant} if below else {"low": instant}))


def _numbers(
    condition: Condition,
    fields: Fields,
    *,
    low: float | None = None,
    high: float | None = None,
    strict: bool = False,
) -> Bound:
    ends = [end for end in (low, high) if end is not None]
    exact = all(abs(end) < _EXACT_FLOATS for end in ends)
    if any(abs(end) > float(10**300) for end in ends):
        return UNKNOWN
    # Beyond 2**53 Qdrant compares rounded numbers, so there the bound takes the end in.
    names = ("gt", "lt") if strict and exact else ("gte", "lte")
    limits = zip(names, (low, high), strict=True)
    span = grpc.Range(**{name: float(end) for name, end in limits if end is not None})
    # An index on integers does not hold the floats of a field, one on dates neither.
    keys = fields.keys(condition.path, by=[_FLOAT], besides=[_INTEGER, _DATETIME])
    return _any(keys, exact=exact, range=span)


def _times(
    condition: Condition,
    fields: Fields,
    *,
    low: datetime | None = None,
    high: datetime | None = None,
) -> Bound:
    ends = [end for end in (low, high) if end is not None]
    if any(end.year not in _YEARS for end in ends):
        return UNKNOWN
    # Qdrant reads a few more forms of dates than filters do, so what it finds is looked at again.
    span = grpc.DatetimeRange()
    if low is not None:
        span.gte.FromDatetime(low.astimezone(UTC))
    if high is not None:
        # Filters know microseconds, and what Qdrant compares may be finer.
        span.lte.FromDatetime(high.astimezone(UTC))
        span.lte.nanos += _LAST_NANOSECOND
    # An index on numbers takes dates for numbers.
    keys = fields.keys(condition.path, by=[_DATETIME], besides=[_INTEGER, _FLOAT])
    return _any(keys, exact=False, datetime_range=span)


def _prefixed(condition: Condition, fields: Fields) -> Bound:
    text = str(condition.value)
    if not text or not _readable(text, condition, fields):
        return UNKNOWN
    return _any(fields.keys(condition.path, by=()), exact=True, match=grpc.Match(prefix=text))


def _containing(condition: Condition, fields: Fields) -> Bound:
    # An element of a list may be equal and spelt otherwise: a date, or a number.
    element = _equal_to(condition.value, condition, fields)
    if not isinstance(condition.value, str):
        return Bound(filter=element.filter)
    part = _substring(condition.value, condition, fields)
    return either([part, element]) if as_time(condition.value) is not None else part


def _ending(condition: Condition, fields: Fields) -> Bound:
    return _substring(str(condition.value), condition, fields)


def _all_words(condition: Condition, fields: Fields) -> Bound:
    bounds = [_substring(word, condition, fields) for word in _words(condition)]
    filters = [item.filter for item in bounds if item.filter is not None]
    if not filters:
        return UNKNOWN
    return Bound(filter=grpc.Filter(must=[grpc.Condition(filter=item) for item in filters]))


def _any_word(condition: Condition, fields: Fields) -> Bound:
    return either([_substring(word, condition, fields) for word in _words(condition)])


def _words(condition: Condition) -> list[str]:
    text = str(condition.value)
    return tokens(text if condition.case_sensitive else text.casefold())


def _substring(text: str, condition: Condition, fields: Fields) -> Bound:
    if not text or not _readable(text, condition, fields):
        return UNKNOWN
    return _any(fields.keys(condition.path, by=()), exact=False, match=grpc.Match(substring=text))


def _readable(text: str, condition: Condition, fields: Fields) -> bool:
    return fields.substrings and (condition.case_sensitive or is_caseless(text))


def either(items: Sequence[Bound]) -> Bound:
    """The bound of a disjunction; of no items, nothing."""
    if not items:
        return NOTHING
    if any(item.filter is None for item in items):
        return Bound(exact=any(item.filter is None and item.exact for item in items))
    filters = [item.filter for item in items if item.filter is not None]
    return Bound(
        filter=grpc.Filter(should=[grpc.Condition(filter=item) for item in filters]),
        exact=all(item.exact for item in items),
    )


def _any(
    keys: Sequence[str],
    *,
    exact: bool,
    match: grpc.Match | None = None,
    range: grpc.Range | None = None,  # noqa: A002 - the message's own name for it
    datetime_range: grpc.DatetimeRange | None = None,
) -> Bound:
    if not keys:
        return UNKNOWN
    conditions = [
        grpc.Condition(
            field=grpc.FieldCondition(
                key=key, match=match, range=range, datetime_range=datetime_range
            )
        )
        for key in keys
    ]
    return Bound(filter=grpc.Filter(should=conditions), exact=exact)


_BOUNDS: dict[Operator, Callable[[Condition, Fields], Bound]] = {
    Operator.EQ: _equal,
    Operator.NE: _unequal,
    Operator.IN: _member,
    Operator.NIN: _not_member,
    Operator.CONTAINS: _containing,
    Operator.STARTS_WITH: _prefixed,
    Operator.ENDS_WITH: _ending,
    Operator.EXISTS: _exists,
    Operator.IS_NULL: _is_null,
    Operator.WORDS: _all_words,
    Operator.PHRASE: _all_words,
    Operator.TEXT: _any_word,
    **dict.fromkeys(ORDERINGS, _ordered),
}


_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def quoted(key: str) -> str | None:
    """``key`` as one step of a Qdrant path; None when a path cannot hold it."""
    if _PLAIN.fullmatch(key):
        return key
    return None if not key or '"' in key or "\\" in key else f'"{key}"'
