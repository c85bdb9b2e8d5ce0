"""Payloads: a map of JSON values."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.config import VectorShape
from clustering_pipeline.local.qdrant.status import unserved, wrong_input

# JSON as Python holds it; the engine takes and gives exactly these.
Json = Any


def _finite(value: messages.Value) -> float:
    number = value.double_value
    if not math.isfinite(number):
        raise wrong_input(reason=f"cannot convert to json number: {number}")
    return number


_READERS: Mapping[str | None, Callable[[messages.Value], Json]] = {
    None: lambda _: None,
    "null_value": lambda _: None,
    "string_value": lambda value: value.string_value,
    "integer_value": lambda value: value.integer_value,
    "bool_value": lambda value: value.bool_value,
    "double_value": _finite,
    "list_value": lambda value: [read_value(item) for item in value.list_value.values],
    "struct_value": lambda value: read_payload(value.struct_value.fields),
}


def read_value(value: messages.Value) -> Json:
    """One JSON value."""
    return _READERS[value.WhichOneof("kind")](value)


def read_payload(fields: Mapping[str, messages.Value]) -> dict[str, Json]:
    """A JSON object."""
    return {
        key: _READERS[value.WhichOneof("kind")](value)  # not read_value: this is the hot path
        for key, value in fields.items()
    }


def write_value(value: Json, into: messages.Value) -> None:
    """Fill in a message; ``bool`` comes before ``int``, which it is a kind of."""
    match value:
        case str():
            into.string_value = value
        case bool():
            into.bool_value = value
        case int():
            _write_integer(value, into)
        case float():
            into.double_value = value
        case None:
            into.null_value = messages.NULL_VALUE
        case list():
            _write_list(value, into)
        case _:
            _write_struct(value, into)


def write_payload(payload: Mapping[str, Json], into: Any) -> None:
    """Fill in a message's ``map<string, Value>``."""
    for key, value in payload.items():
        write_value(value, into[key])


def _write_integer(value: int, into: messages.Value) -> None:
    if -(2**63) <= value < 2**63:
        into.integer_value = value
    else:  # as the server does with what its wire format cannot hold
        into.double_value = float(value)


def _write_list(values: list[Json], into: messages.Value) -> None:
    into.list_value.SetInParent()
    add = into.list_value.values.add
    for value in values:
        write_value(value, add())


def _write_struct(fields: Mapping[str, Json], into: messages.Value) -> None:
    into.struct_value.SetInParent()
    write_payload(fields, into.struct_value.fields)


def read_field(message: messages.FieldCondition) -> edge.FieldCondition:
    """A condition on the values under ``message.key``."""
    parts = {field.name: value for field, value in message.ListFields() if field.name != "key"}
    if not parts:
        raise wrong_input(reason=f"the condition on field `{message.key}` is empty")
    arguments = dict(_PARTS[name](value) for name, value in parts.items())
    return edge.FieldCondition(key=message.key, **arguments)


def _match(message: messages.Match) -> tuple[str, Any]:
    kind = message.WhichOneof("match_value")
    if kind is None:
        raise wrong_input(reason="Malformed match: it holds no value")
    if kind not in _MATCHES:
        raise unserved(what=f"the match `{kind}`")
    return "match", _MATCHES[kind](getattr(message, kind))


def _boolean(value: Any) -> edge.MatchValue:
    # Edge 0.9.0 takes a Python bool for an integer, which matches no boolean; NumPy's is not one.
    exactly: Any = np.bool_(value)
    return edge.MatchValue(exactly)


_MATCHES: Mapping[str, Callable[[Any], Any]] = {
    "keyword": edge.MatchValue,
    "integer": edge.MatchValue,
    "boolean": _boolean,
    "text": edge.MatchText,
    "text_any": edge.MatchTextAny,
    "phrase": edge.MatchPhrase,
    "prefix": edge.MatchPrefix,
    "substring": edge.MatchSubstring,
    "keywords": lambda message: edge.MatchAny(list(message.strings)),
    "integers": lambda message: edge.MatchAny(list(message.integers)),
    "except_keywords": lambda message: edge.MatchExcept(list(message.strings)),
    "except_integers": lambda message: edge.MatchExcept(list(message.integers)),
}


def _bounds(message: Any) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


def _datetime_range(message: messages.DatetimeRange) -> tuple[str, Any]:
    bounds = {name: value.ToJsonString() for name, value in _bounds(message).items()}
    return "range", edge.RangeDateTime(**bounds)


def _point(message: messages.GeoPoint) -> edge.GeoPoint:
    return edge.GeoPoint(lon=message.lon, lat=message.lat)


def _box(message: messages.GeoBoundingBox) -> tuple[str, Any]:
    corners = _point(message.top_left), _point(message.bottom_right)
    return "geo_bounding_box", edge.GeoBoundingBox(*corners)


def _radius(message: messages.GeoRadius) -> tuple[str, Any]:
    return "geo_radius", edge.GeoRadius(_point(message.center), message.radius)


def _polygon(message: messages.GeoPolygon) -> tuple[str, Any]:
    interiors = [_line(ring) for ring in message.interiors] or None
    return "geo_polygon", edge.GeoPolygon(_line(message.exterior), interiors)


def _line(message: messages.GeoLineString) -> list[edge.GeoPoint]:
    return [_point(point) for point in message.points]


_PARTS: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "match": _match,
    "range": lambda message: ("range", edge.RangeFloat(**_bounds(message))),
    "datetime_range": _datetime_range,
    "geo_bounding_box": _box,
    "geo_radius": _radius,
    "geo_polygon": _polygon,
    "values_count": lambda message: ("values_count", edge.ValuesCount(**_bounds(message))),
    "is_empty": lambda value: ("is_empty", value),
    "is_null": lambda value: ("is_null", value),
}


# What the engine takes for one vector: floats, rows of floats, or its sparse vector.
EngineVector = Any
Shapes = Mapping[str, VectorShape]


def read_vectors(message: messages.Vectors, shapes: Shapes) -> dict[str, EngineVector]:
    """All vectors of a point by name; the unnamed one is called ``""``.

    The engine would apply the rest of a request before it meets a bad vector, so names and sizes
    are checked here, first.
    """
    kind = message.WhichOneof("vectors_options")
    if kind is None:
        return {}
    named = {"": message.vector} if kind == "vector" else message.vectors.vectors
    return {name: _checked(name, vector, shapes) for name, vector in named.items()}


def read_vector(message: messages.Vector) -> EngineVector:
    """A vector to store."""
    kind = message.WhichOneof("vector")
    if kind is None:
        return _deprecated(message)
    return _read(kind, message)


def read_target(message: messages.VectorInput) -> EngineVector:
    """A vector to search for."""
    return _read(message.WhichOneof("variant"), message)


def _read(kind: str | None, message: Any) -> EngineVector:
    match kind:
        case "dense":
            return message.dense.data[:]
        case "sparse":
            return edge.SparseVector(list(message.sparse.indices), list(message.sparse.values))
        case "multi_dense":
            return [list(row.data) for row in message.multi_dense.vectors]
        case _:
            raise unserved(what=f"the vector form `{kind}` (inference)")


def _deprecated(message: messages.Vector) -> EngineVector:
    data = list(message.data)
    if message.HasField("indices"):
        return edge.SparseVector(list(message.indices.data), data)
    if not message.vectors_count:
        return data
    if len(data) % message.vectors_count:
        raise wrong_input(reason=f"{len(data)} values do not make {message.vectors_count} vectors")
    width = len(data) // message.vectors_count
    return [data[start : start + width] for start in range(0, len(data), width)]


def _checked(name: str, message: messages.Vector, shapes: Shapes) -> EngineVector:
    shape = shapes.get(name)
    if shape is None:
        raise wrong_input(reason=f"Not existing vector name error: {name}")
    vector = read_vector(message)
    shape.check(name, vector)
    return vector
