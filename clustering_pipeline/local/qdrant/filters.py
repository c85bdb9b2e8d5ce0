"""Filters: every condition the engine knows, and a refusal that names any other."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import unserved, wrong_input
from clustering_pipeline.local.qdrant.values import read_field

EngineId = int | UUID | str


def read_id(point_id: messages.PointId) -> EngineId:
    """The engine's form of an id."""
    kind = point_id.WhichOneof("point_id_options")
    if kind == "num":
        return point_id.num
    if kind == "uuid":
        return _uuid(point_id.uuid)
    raise wrong_input(reason="Malformed point id: neither a number nor a UUID")


def read_ids(ids: Iterable[messages.PointId]) -> list[EngineId]:
    """All of them, in order."""
    return [read_id(point_id) for point_id in ids]


def write_id(point_id: EngineId, into: messages.PointId) -> None:
    """Fill in a message."""
    if isinstance(point_id, int):
        into.num = point_id
    else:
        into.uuid = str(point_id)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise wrong_input(reason=f"Unable to parse UUID: {text}") from error


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


_SHARD_KEYS = "shard_key_selector"

PayloadWish = bool | list[str] | edge.PayloadSelector
VectorWish = bool | list[str]


def read_payload_wish(request: Any, *, default: bool) -> PayloadWish:
    """The ``with_payload`` of a request."""
    selector = request.with_payload
    match selector.WhichOneof("selector_options"):
        case "enable":
            return bool(selector.enable)
        case "include":
            return edge.PayloadSelector.Include(list(selector.include.fields))
        case "exclude":
            return edge.PayloadSelector.Exclude(list(selector.exclude.fields))
        case _:
            return default


def read_vector_wish(request: Any) -> VectorWish:
    """The ``with_vectors`` of a request; none unless asked for."""
    selector = request.with_vectors
    match selector.WhichOneof("selector_options"):
        case "enable":
            return bool(selector.enable)
        case "include":
            return list(selector.include.names)
        case _:
            return False


def asked_shards(request: Any) -> list[str]:
    """The shard keys that a request names, as text: ``@name`` or ``#7``."""
    if _SHARD_KEYS not in request.DESCRIPTOR.fields_by_name or not request.HasField(_SHARD_KEYS):
        return []
    return [read_shard_key(key) for key in request.shard_key_selector.shard_keys]


def read_shard_key(key: messages.ShardKey) -> str:
    """A shard key as text, which tells numbers from names."""
    return f"@{key.keyword}" if key.WhichOneof("key") == "keyword" else f"#{key.number}"


def write_shard_key(text: str, into: messages.ShardKey) -> None:
    """Fill in a message; without a key there is nothing to fill in."""
    if text.startswith("#"):
        into.number = int(text[1:])
    elif text:
        into.keyword = text[1:]
