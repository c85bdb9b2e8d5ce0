"""Conditions on one payload field."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import unserved, wrong_input


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
