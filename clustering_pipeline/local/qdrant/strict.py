"""Strict mode as a server has it: what a request may ask of a collection, refused in its words."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Any

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import Refused, bad_request, rate_limited

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
    """Refuse what the terms of a collection do not let a request ask; limits of rates apart."""
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


_READS = (messages.ScrollPoints, messages.CountPoints, messages.QueryPoints)
_CHANGES_OF_SCHEMA = (messages.CreateFieldIndexCollection, messages.CreateVectorNameRequest)


@dataclass(kw_only=True)
class Rations:
    """What is left of the points that collections let one read and write in a minute."""

    clock: Callable[[], float] = time.monotonic
    _left: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """Points, and when there were so many, by collection and ``read`` or ``write``."""
    _lock: Lock = field(default_factory=Lock)

    def take(self, collection: str, request: Any, terms: messages.StrictModeConfig) -> None:
        """Count a request, or refuse it and tell when there will be enough for it."""
        kind, points = _cost(request)
        rate = _rate(terms, kind)
        if rate is None:
            return
        with self._lock:
            first = (collection, kind) not in self._left
            # As on a server, the first write is counted twice.
            for _ in range(2 if first and kind == "write" else 1):
                self._take((collection, kind), points, rate)

    def _take(self, key: tuple[str, str], points: int, rate: int) -> None:
        moment = self.clock()
        left, before = self._left.get(key, (float(rate), moment))
        left = min(rate, left + (moment - before) * rate / 60)
        fits = points <= left
        self._left[key] = left - points if fits else left, moment
        if fits:
            return
        raise _refused(key[1].capitalize(), points, left, rate)


def _refused(kind: str, points: int, left: float, rate: int) -> Refused:
    if points > rate:
        reason = (
            f"{kind} rate limit exceeded, request larger than rate limiter capacity, please try to "
            "split your request"
        )
        return rate_limited(reason=reason)
    seconds = math.ceil((points - left) * 60 / rate)
    reason = (
        f"{kind} rate limit exceeded: Operation requires {points} tokens but only {left:.1f} were "
        f"available. Retry after {seconds}s"
    )
    return rate_limited(reason=reason, retry_after=seconds)


def _rate(terms: messages.StrictModeConfig, kind: str) -> int | None:
    given: dict[str, int] = {field.name: value for field, value in terms.ListFields()}
    return given.get(f"{kind}_rate_limit") if terms.enabled else None


def _cost(request: Any) -> tuple[str, int]:
    """How many points a request reads or writes, as a server counts them."""
    if isinstance(request, messages.GetPoints):
        return "read", len(request.ids)
    if isinstance(request, _READS):
        return "read", 1
    if isinstance(request, _CHANGES_OF_SCHEMA):
        return "write", 2
    for name in ("points_selector", "points"):
        if name in request.DESCRIPTOR.fields_by_name:
            points = getattr(request, name)
            if isinstance(points, messages.PointsSelector):
                return "write", len(points.points.ids) or 1
            return "write", len(points)
    return "", 0


def shuffled(value: Any, random: Random) -> Any:
    """A payload with its keys in any order, as a server's come."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: shuffled(value[key], random) for key in random.sample(list(value), len(value))}
