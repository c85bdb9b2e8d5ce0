"""Filters in MongoDB's terms, as far as they mean exactly the same there.

``view`` holds a record as clients read it, ``folded`` its texts case-folded, so that comparing
without regard to case is comparing those.  Whatever MongoDB would judge differently (free-form
fields, words, most patterns, values of another type than the field's) is left to Python.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from clustering_pipeline.model.filters.text import as_time, tokens
from clustering_pipeline.model.filters.tree import ORDERINGS, Condition, Filter, Group, Operator
from clustering_pipeline.model.times import iso
from clustering_pipeline.stores.catalog.listing.fields import FieldKind, folded_key
from clustering_pipeline.stores.catalog.listing.patterns import Asked, asked_of_mongodb

Query = dict[str, Any]
Fields = Mapping[str, FieldKind]
Translation = Callable[[Condition, str, FieldKind], Query | None]

NOTHING: Query = {"_id": {"$in": []}}
_TEXTUAL = frozenset({FieldKind.TEXT, FieldKind.TEXTS})
_WRITTEN = _TEXTUAL | {FieldKind.TIME}
_LONGEST = 1000
"""Characters of a value that MongoDB is asked for as a pattern; it refuses very long ones."""
_MOST_WORDS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A filter as a MongoDB query and what remains to be asked in Python; both must hold."""

    query: Query
    rest: Filter | None = None


def split(tree: Filter | None, fields: Fields) -> Split:
    """The largest part of ``tree`` that MongoDB can answer alone."""
    if tree is None:
        return Split(query={})
    if isinstance(tree, Condition):
        tree = Group(every=(tree,))
    every = [(item, _translated(item, fields)) for item in tree.every]
    none = [(item, _translated(item, fields)) for item in tree.none]
    some = _any_of(tree.some, fields)
    queries = [query for _, query in every if query is not None]
    queries += [{"$nor": [query]} for _, query in none if query is not None]
    rest = Group(
        every=tuple(item for item, query in every if query is None),
        none=tuple(item for item, query in none if query is None),
        some=tree.some if some is None else (),
    )
    return Split(query=_all_of([*queries, some or {}]), rest=None if rest.selects_all else rest)


def narrowed(tree: Filter | None, fields: Fields) -> Query:
    """What any record that satisfies ``tree`` satisfies, of what MongoDB cannot answer alone."""
    if isinstance(tree, Group):
        some = [_translated(item, fields) or narrowed(item, fields) for item in tree.some]
        either = {"$or": some} if some and all(some) else {}
        return _all_of([*(narrowed(item, fields) for item in tree.every), either])
    if tree is None:
        return {}
    path = tree.field
    narrow = _NARROWING.get(tree.operator)
    return {} if narrow is None or path not in fields else narrow(tree, path, fields[path])


def _by_pattern(condition: Condition, path: str, kind: FieldKind) -> Query:
    asked = _asked(condition, kind)
    return {} if asked is None else _like(asked, path, kind)


def _by_words(condition: Condition, path: str, kind: FieldKind) -> Query:
    """A text has a word only where its letters stand; which of these are words, Python says."""
    text = _text(str(condition.value), condition)
    if kind not in _TEXTUAL or len(text) > _LONGEST:
        return {}
    words = [{_text_key(condition, path): {"$regex": re.escape(word)}} for word in tokens(text)]
    if condition.operator is not Operator.TEXT:
        return _all_of(words[:_MOST_WORDS])
    return {"$or": words} if 0 < len(words) <= _MOST_WORDS else {}


def _translated(tree: Filter, fields: Fields) -> Query | None:
    if isinstance(tree, Condition):
        return _condition(tree, fields)
    whole = split(tree, fields)
    return whole.query if whole.rest is None else None


def _any_of(items: Sequence[Filter], fields: Fields) -> Query | None:
    queries = [_translated(item, fields) for item in items]
    if any(query is None for query in queries):
        return None
    # An item that selects everything would be an empty alternative, which MongoDB takes too.
    return {"$or": queries} if queries else {}


def _all_of(queries: Sequence[Query]) -> Query:
    asked = [query for query in queries if query]
    if len(asked) > 1:
        return {"$and": asked}
    return asked[0] if asked else {}


def _condition(condition: Condition, fields: Fields) -> Query | None:
    # As it is written: a key with dots in it, which stands in quotes, is none of the fields.
    path = condition.field
    translate = _TRANSLATIONS.get(condition.operator)
    if translate is None or path not in fields:
        return None
    return translate(condition, path, fields[path])


def _equals(condition: Condition, path: str, kind: FieldKind) -> Query | None:
    return _same(condition.value, condition, path, kind)


def _is_one_of(condition: Condition, path: str, kind: FieldKind) -> Query | None:
    if not isinstance(condition.value, list | tuple):
        return None
    options = [_same(option, condition, path, kind) for option in condition.value]
    if any(option is None for option in options):
        return None
    return {"$or": options} if options else NOTHING


def _not(translate: Translation) -> Translation:
    def complement(condition: Condition, path: str, kind: FieldKind) -> Query | None:
        query = translate(condition, path, kind)
        return None if query is None else {"$nor": [query]}

    return complement


def _same(value: object, condition: Condition, path: str, kind: FieldKind) -> Query | None:
    if value is None:
        return {f"view.{path}": None}
    if isinstance(value, str):
        return _same_text(value, condition, path, kind)
    if isinstance(value, bool):
        return {f"view.{path}": value} if kind is FieldKind.FLAG else None
    if kind is FieldKind.NUMBER and _number(value):
        return {f"view.{path}": value}
    return None


def _same_text(value: str, condition: Condition, path: str, kind: FieldKind) -> Query | None:
    moment = as_time(value)
    if moment is not None:
        return {f"view.{path}": iso(moment)} if _exact(moment, kind) else None
    return {_text_key(condition, path): _text(value, condition)} if kind in _TEXTUAL else None


def _ordered(condition: Condition, path: str, kind: FieldKind) -> Query | None:
    value, comparison = condition.value, f"${condition.operator}"
    if not isinstance(value, str):
        comparable = kind is FieldKind.NUMBER and _number(value)
        return {f"view.{path}": {comparison: value}} if comparable else None
    moment = as_time(value)
    if moment is not None:
        exact = _exact(moment, kind)
        return {f"view.{path}": {comparison: iso(moment)}} if exact else None
    if kind is not FieldKind.TEXT:
        return None
    return {_text_key(condition, path): {comparison: _text(value, condition)}}


def _contains(condition: Condition, path: str, kind: FieldKind) -> Query | None:
    if kind is FieldKind.TEXTS and isinstance(condition.value, str):
        return _same_text(condition.value, condition, path, kind)
    return _matching("{}")(condition, path, kind)


def _matching(pattern: str) -> Translation:
    def translate(condition: Condition, path: str, kind: FieldKind) -> Query | None:
        value = condition.value
        if kind not in _TEXTUAL or not isinstance(value, str):
            return None
        if "\0" in value or len(value) > _LONGEST:
            return None
        text = re.escape(_text(value, condition))
        return {_text_key(condition, path): {"$regex": pattern.format(text)}}

    return translate


def _pattern(condition: Condition, path: str, kind: FieldKind) -> Query | None:
    asked = _asked(condition, kind)
    return _like(asked, path, kind) if asked is not None and asked.exact else None


def _asked(condition: Condition, kind: FieldKind) -> Asked | None:
    if kind not in _WRITTEN:
        return None
    return asked_of_mongodb(str(condition.value), case_sensitive=condition.case_sensitive)


def _like(asked: Asked, path: str, kind: FieldKind) -> Query:
    query: Query = {f"view.{path}": {"$regex": asked.regex}}
    if not asked.prefix or kind not in _TEXTUAL:
        return query
    # An index finds what begins alike; the pattern itself has every letter in both cases.
    begins = {"$regex": rf"\A{re.escape(asked.prefix)}"}
    return {"$and": [{f"folded.{folded_key(path)}": begins}, query]}


def _present(condition: Condition, path: str, _: FieldKind) -> Query | None:
    return {f"view.{path}": {"$ne": None} if condition.value is True else None}


def _absent(condition: Condition, path: str, _: FieldKind) -> Query | None:
    return {f"view.{path}": None if condition.value is True else {"$ne": None}}


def _text_key(condition: Condition, path: str) -> str:
    return f"view.{path}" if condition.case_sensitive else f"folded.{folded_key(path)}"


def _text(value: str, condition: Condition) -> str:
    return value if condition.case_sensitive else value.casefold()


def _exact(moment: datetime, kind: FieldKind) -> bool:
    # Finer than what is stored, it would be rounded on the way into the query; at either end of
    # the calendar, it may be in no year in UTC.
    written = moment.microsecond % 1000 == 0 and MINYEAR < moment.year < MAXYEAR
    return kind is FieldKind.TIME and written


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TRANSLATIONS: dict[Operator, Translation] = {
    Operator.EQ: _equals,
    Operator.NE: _not(_equals),
    Operator.IN: _is_one_of,
    Operator.NIN: _not(_is_one_of),
    **dict.fromkeys(ORDERINGS, _ordered),
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _matching(r"\A{}"),
    Operator.ENDS_WITH: _matching(r"{}\z"),
    Operator.REGEX: _pattern,
    Operator.EXISTS: _present,
    Operator.IS_NULL: _absent,
}
_NARROWING: dict[Operator, Callable[[Condition, str, FieldKind], Query]] = {
    Operator.REGEX: _by_pattern,
    Operator.TEXT: _by_words,
    Operator.WORDS: _by_words,
    Operator.PHRASE: _by_words,
}
