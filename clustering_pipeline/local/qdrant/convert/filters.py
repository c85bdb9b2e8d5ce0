"""Filters: every condition the engine knows, and a refusal that names any other."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.fields import read_field
from clustering_pipeline.local.qdrant.convert.ids import read_ids
from clustering_pipeline.local.qdrant.status import unserved, wrong_input


def read_filter(message: messages.Filter) -> edge.Filter:
    """The engine's form of a filter; an empty one matches every point."""
    return edge.Filter(
        must=_conditions(message.must),
        should=_conditions(message.should),
        must_not=_conditions(message.must_not),
        min_should=_min_should(message.min_should) if message.HasField("min_should") else None,
    )


def optional_filter(request: Any, field: str = "filter") -> edge.Filter | None:
    """The filter in ``field`` of a request, if it has one."""
    return read_filter(getattr(request, field)) if request.HasField(field) else None


def _conditions(conditions: Iterable[messages.Condition]) -> list[Any] | None:
    return [_condition(condition) for condition in conditions] or None


def _min_should(message: messages.MinShould) -> edge.MinShould:
    conditions = [_condition(condition) for condition in message.conditions]
    return edge.MinShould(conditions=conditions, min_count=message.min_count)


def _condition(condition: messages.Condition) -> Any:
    kind = condition.WhichOneof("condition_one_of")
    if kind is None:
        raise wrong_input(reason="Malformed condition: it holds none")
    if kind not in _CONDITIONS:
        raise unserved(what=f"the filter condition `{kind}`")
    return _CONDITIONS[kind](getattr(condition, kind))


def _nested(nested: messages.NestedCondition) -> edge.NestedCondition:
    return edge.NestedCondition(key=nested.key, filter=read_filter(nested.filter))


_CONDITIONS: Mapping[str, Callable[[Any], Any]] = {
    "field": read_field,
    "filter": read_filter,
    "nested": _nested,
    "is_empty": lambda message: edge.IsEmptyCondition(key=message.key),
    "is_null": lambda message: edge.IsNullCondition(key=message.key),
    "has_id": lambda message: edge.HasIdCondition(point_ids=set(read_ids(message.has_id))),
    "has_vector": lambda message: edge.HasVectorCondition(vector=message.has_vector),
}
