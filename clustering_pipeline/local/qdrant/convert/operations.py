"""Writes: each request, alone or within a batch, as one operation of the engine."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.filters import optional_filter, read_filter
from clustering_pipeline.local.qdrant.convert.ids import EngineId, read_id, read_ids
from clustering_pipeline.local.qdrant.convert.selectors import refuse_shard_keys
from clustering_pipeline.local.qdrant.convert.values import read_payload
from clustering_pipeline.local.qdrant.convert.vectors import Shapes, read_vectors
from clustering_pipeline.local.qdrant.status import wrong_input

Operation = edge.UpdateOperation
_MODES = {
    messages.UpdateMode.Upsert: edge.UpdateMode.Upsert,
    messages.UpdateMode.InsertOnly: edge.UpdateMode.InsertOnly,
    messages.UpdateMode.UpdateOnly: edge.UpdateMode.UpdateOnly,
}


def upsert(request: Any, shapes: Shapes) -> Operation:
    """From ``UpsertPoints`` or its place in a batch."""
    return Operation.upsert_points(
        [_point(point, shapes) for point in request.points],
        optional_filter(request, "update_filter"),
        _MODES[request.update_mode],
    )


def update_vectors(request: Any, shapes: Shapes) -> Operation:
    """From ``UpdatePointVectors`` or its place in a batch."""
    points = [
        edge.PointVectors(id=read_id(point.id), vector=read_vectors(point.vectors, shapes))
        for point in request.points
    ]
    return Operation.update_vectors(points, optional_filter(request, "update_filter"))


def set_payload(request: Any, _: Shapes) -> Operation:
    """Merge fields into the payload."""
    return _by_selector(
        request.points_selector,
        Operation.set_payload,
        Operation.set_payload_by_filter,
        read_payload(request.payload),
        _key(request),
    )


def overwrite_payload(request: Any, _: Shapes) -> Operation:
    """Replace the payload."""
    return _by_selector(
        request.points_selector,
        Operation.overwrite_payload,
        Operation.overwrite_payload_by_filter,
        read_payload(request.payload),
        _key(request),
    )


def delete_payload(request: Any, _: Shapes) -> Operation:
    """Remove fields from the payload."""
    return _by_selector(
        request.points_selector,
        Operation.delete_payload,
        Operation.delete_payload_by_filter,
        list(request.keys),
    )


def clear_payload(request: Any, _: Shapes) -> Operation:
    """Empty the payload."""
    return _by_selector(request.points, Operation.clear_payload, Operation.clear_payload_by_filter)


def delete_points(request: Any, _: Shapes) -> Operation:
    """Remove points."""
    return _by_selector(request.points, Operation.delete_points, Operation.delete_points_by_filter)


def delete_vectors(request: Any, shapes: Shapes) -> Operation:
    """Remove vectors from points."""
    names = list(request.vectors.names)
    for name in names:
        if name not in shapes:
            raise wrong_input(reason=f"Not existing vector name error: {name}")
    return _by_selector(
        request.points_selector,
        Operation.delete_vectors,
        Operation.delete_vectors_by_filter,
        names,
    )


def batch(operations: Iterable[messages.PointsUpdateOperation], shapes: Shapes) -> list[Operation]:
    """The operations of a batch, in order."""
    return [_batched(operation, shapes) for operation in operations]


def _batched(operation: messages.PointsUpdateOperation, shapes: Shapes) -> Operation:
    kind = operation.WhichOneof("operation")
    if kind is None:
        raise wrong_input(reason="Malformed PointsUpdateOperation: it holds none")
    request = getattr(operation, kind)
    refuse_shard_keys(request)
    return _BATCHED[kind](request, shapes)


def _deprecated_delete(selector: messages.PointsSelector, _: Shapes) -> Operation:
    return _by_selector(selector, Operation.delete_points, Operation.delete_points_by_filter)


def _deprecated_clear(selector: messages.PointsSelector, _: Shapes) -> Operation:
    return _by_selector(selector, Operation.clear_payload, Operation.clear_payload_by_filter)


_BATCHED: Mapping[str, Callable[[Any, Shapes], Operation]] = {
    "upsert": upsert,
    "update_vectors": update_vectors,
    "set_payload": set_payload,
    "overwrite_payload": overwrite_payload,
    "delete_payload": delete_payload,
    "clear_payload": clear_payload,
    "delete_points": delete_points,
    "delete_vectors": delete_vectors,
    "delete_deprecated": _deprecated_delete,
    "clear_payload_deprecated": _deprecated_clear,
}


def _point(point: messages.PointStruct, shapes: Shapes) -> edge.Point:
    return edge.Point(
        id=read_id(point.id),
        vector=read_vectors(point.vectors, shapes),
        payload=read_payload(point.payload),
    )


def _key(request: messages.SetPayloadPoints) -> str | None:
    return request.key if request.HasField("key") else None


def _by_selector(
    selector: messages.PointsSelector,
    by_ids: Callable[..., Operation],
    by_filter: Callable[..., Operation],
    *arguments: Any,
) -> Operation:
    match selector.WhichOneof("points_selector_one_of"):
        case "points":
            ids: list[EngineId] = read_ids(selector.points.ids)
            return by_ids(ids, *arguments)
        case "filter":
            return by_filter(read_filter(selector.filter), *arguments)
        case _:
            raise wrong_input(reason="points_selector is expected")
