"""Strict mode as a server has it: what a request may ask of a collection, refused in its words."""

from collections.abc import Iterator, Mapping
from typing import Any

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import bad_request

Indexes = Mapping[str, int]

_KINDS = messages.PayloadSchemaType
_EVERY: frozenset[int] = frozenset(map(int, _KINDS.values())) - {_KINDS.UnknownType}
_ANSWERING = {
    "range": frozenset({_KINDS.Integer, _KINDS.Float}),
    "datetime_range": frozenset({_KINDS.Datetime}),
    "boolean": frozenset({_KINDS.Bool}),
    "keyword": frozenset({_KINDS.Keyword}),
    "keywords": frozenset({_KINDS.Keyword}),
    "integer": frozenset({_KINDS.Integer}),
    "integers": frozenset({_KINDS.Integer}),
}


def check(request: Any, terms: messages.StrictModeConfig, indexes: Indexes) -> None:
    """Refuse what the terms of a collection do not let a request ask; limits of rates are none."""
    given = {field.name: value for field, value in terms.ListFields()}
    fields = request.DESCRIPTOR.fields_by_name
    if "limit" in fields:
        _at_most(request.limit, given.get("max_query_limit"), "limit")
    if isinstance(request, messages.UpsertPoints):
        _at_most(len(request.points), given.get("upsert_max_batchsize"), "upsert limit")
    if _is_exact(request) and not given.get("search_allow_exact", True):
        raise bad_request(reason="Exact search disabled!. Help: Set exact=false.")
    if "filter" in fields:
        _check_filter(list(_conditions(request.filter)), given, indexes)


def _is_exact(request: Any) -> bool:
    if isinstance(request, messages.CountPoints):
        return bool(request.exact)
    return isinstance(request, messages.QueryPoints) and bool(request.params.exact)


def _at_most(number: int, limit: int | None, name: str) -> None:
    if limit is not None and number > limit:
        raise bad_request(
            reason=f'Limit exceeded {number} > {limit} for "{name}". '
            f'Help: Reduce the "{name}" parameter to or below {limit}.'
        )


def _check_filter(
    conditions: list[messages.Condition], given: Mapping[str, Any], indexes: Indexes
) -> None:
    most, operands = given.get("filter_max_conditions"), given.get("condition_max_size")
    if most is not None and len(conditions) > most:
        raise bad_request(reason=f"Filter condition limit reached ({len(conditions)} > {most}).")
    for condition in conditions:
        size = _size(condition)
        if operands is not None and size > operands:
            raise bad_request(reason=f"Condition size limit reached ({size} > {operands}).")
        if not given.get("unindexed_filtering_retrieve", True):
            _check_index(condition, indexes)


def _check_index(condition: messages.Condition, indexes: Indexes) -> None:
    kind = condition.WhichOneof("condition_one_of")
    if kind not in {"field", "is_null", "is_empty"}:
        return
    key = getattr(condition, str(kind)).key
    if indexes.get(key) not in _answering(condition):
        raise bad_request(reason=f'Index required but not found for "{key}".')


def _answering(condition: messages.Condition) -> frozenset[int]:
    """The types of indexes that answer a condition; none answers a part of a text."""
    if not condition.HasField("field"):
        return _EVERY
    asked = condition.field
    ranges = [name for name in ("range", "datetime_range") if asked.HasField(name)]
    kind = ranges[0] if ranges else str(asked.match.WhichOneof("match_value"))
    return _ANSWERING.get(kind, frozenset())


def _size(condition: messages.Condition) -> int:
    if condition.HasField("has_id"):
        return len(condition.has_id.has_id)
    return len(condition.field.match.keywords.strings)


def _conditions(message: messages.Filter) -> Iterator[messages.Condition]:
    for condition in (*message.must, *message.should, *message.must_not):
        if condition.HasField("filter"):
            yield from _conditions(condition.filter)
        else:
            yield condition
