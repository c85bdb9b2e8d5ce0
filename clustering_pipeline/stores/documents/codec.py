"""Ids, payloads and vectors between protobuf and Python, past the client's slower models."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from qdrant_client import grpc
from qdrant_client.conversions.conversion import grpc_to_payload, payload_to_grpc

from clustering_pipeline.model.ids import PointId, shard_part, shard_text, unsharded
from clustering_pipeline.stores.documents.types import Floats, JsonObject, ShardKey

_DIGITS = 20  # of the largest number an id can be
_LENGTH_BITS = 7
_MORE = 0x80
_PACKED_DATA = b"\x0a"  # field 1, length-delimited: `repeated float data = 1`


def write_id(point_id: PointId) -> grpc.PointId:
    """A whole number or a UUID; a string of digits is the number, and a shard key is left out."""
    if isinstance(point_id, str):
        point_id = unsharded(point_id)
    if isinstance(point_id, str) and not (point_id.isdecimal() and len(point_id) <= _DIGITS):
        return grpc.PointId(uuid=point_id)
    return grpc.PointId(num=int(point_id))


def read_id(point_id: grpc.PointId) -> str:
    """The id as text, which ``write_id`` takes back."""
    return point_id.uuid or str(point_id.num)


def read_point_id(point: Any) -> str:
    """The id of a point as text, with its shard key where it has one: ``5@name``, ``5#7``."""
    own = read_id(point.id)
    return f"{own}{shard_text(read_shard_key(point))}" if point.HasField("shard_key") else own


def read_shard_key(point: Any) -> ShardKey:
    """The shard key of a point that lies under one."""
    key = point.shard_key
    return str(key.keyword) if key.WhichOneof("key") == "keyword" else int(key.number)


def under(*keys: ShardKey | None) -> grpc.ShardKeySelector | None:
    """Selects shards by their keys; None for no key at all."""
    known = [
        grpc.ShardKey(number=key) if isinstance(key, int) else grpc.ShardKey(keyword=key)
        for key in keys
        if key is not None
    ]
    return grpc.ShardKeySelector(shard_keys=known) if known else None


def shard_key_of(point_id: PointId) -> ShardKey | None:
    """The shard key that the text of a point's id names."""
    part = shard_part(point_id)
    return (int(part[1:]) if part.startswith("#") else part[1:]) if part else None


def by_shard_key(
    point_ids: Iterable[PointId], keys: Sequence[ShardKey]
) -> dict[ShardKey | None, list[PointId]]:
    """Ids by the shard keys that they name; in a collection with ``keys``, those without one may
    lie under each.
    """
    parts: dict[ShardKey | None, list[PointId]] = {}
    for point_id in point_ids:
        named = shard_key_of(point_id)
        for key in keys if named is None and keys else [named]:
            parts.setdefault(key, []).append(point_id)
    return parts


def read_document_id(point: Any) -> str:
    """The payload's ``document_id`` when it is text or a whole number, else the point id."""
    if "document_id" in point.payload:
        given = point.payload["document_id"]
        kind = given.WhichOneof("kind")
        if kind == "string_value" and given.string_value:
            return str(given.string_value)
        if kind == "integer_value":
            return str(given.integer_value)
    return read_id(point.id)


def read_payload(point: Any) -> JsonObject:
    """The payload of a retrieved point as JSON values."""
    return grpc_to_payload(point.payload)


def write_payload(payload: Mapping[str, object]) -> dict[str, Any]:
    """What a message's ``payload`` argument takes; ValueError or TypeError for what is not JSON."""
    if not _is_finite(payload):
        message = "NaN and infinity are no values of JSON"
        raise ValueError(message)
    return payload_to_grpc(dict(payload))


def _is_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return True


def read_vector(point: Any, name: str, size: int) -> bytes | None:
    """The little-endian floats of one dense vector; None when the point lacks it.

    A packed field is its floats as they lie in memory, so serialising it is the copy of them: 20
    times faster than reading the field number by number.
    """
    vector = _vector(point, name)
    if vector is None:
        return None
    if vector.WhichOneof("vector") == "dense":
        floats = bytes(vector.dense.SerializeToString()[-4 * size :])
    else:  # servers before 1.17 fill in the older field
        floats = np.fromiter(vector.data, np.float32, len(vector.data)).tobytes()
    return floats if len(floats) == 4 * size else None


def write_vector(floats: Floats) -> grpc.DenseVector:
    """A message that holds one vector."""
    content = np.ascontiguousarray(floats, dtype="<f4").tobytes()
    vector = grpc.DenseVector()
    vector.ParseFromString(_PACKED_DATA + _varint(len(content)) + content)
    return vector


def as_array(vectors: Sequence[bytes], size: int) -> Floats:
    """One row for each."""
    return np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), size)


def _vector(point: Any, name: str) -> Any:
    kind = point.vectors.WhichOneof("vectors_options")
    if kind == "vectors":
        return point.vectors.vectors.vectors.get(name)
    return point.vectors.vector if kind == "vector" and not name else None


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number >= _MORE:
        parts.append(number & (_MORE - 1) | _MORE)
        number >>= _LENGTH_BITS
    parts.append(number)
    return bytes(parts)
