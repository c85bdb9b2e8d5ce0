"""How near all documents of a selection are to one direction, which takes no vector on the wire."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import grpc

from clustering_pipeline.stores.documents.codec import (
    Floats,
    read_document_id,
    read_point_id,
    under,
    write_vector,
)
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.pushdown import SplitFilter
from clustering_pipeline.stores.documents.reading import count, payload_selector, vector_selector
from clustering_pipeline.stores.documents.types import CollectionInfo, Products, ShardKey

MOST = 200_000
"""Documents that one answer may hold."""
_ARRIVING = 1_000
"""Documents that may come in between a count and the question, so that none is left out."""
_PRODUCTS = frozenset({"Cosine", "Dot"})
_BYTE = 255
_COSINE_OF_BYTES = {"distance": "Cosine", "datatype": "Uint8"}
"""These are kept at any length, and compared at length 1."""


def products(
    connection: Connection,
    info: CollectionInfo,
    split: SplitFilter,
    *,
    vector: str,
    direction: Floats,
    fields: Sequence[str],
    named: bool,
) -> Products | None:
    """For a (d,) direction of length 1; None where the server cannot tell of all documents.

    Of vectors that are kept as bytes, products are asked for with bytes.

    That is so where it compares vectors otherwise, where it cannot evaluate the whole filter, where
    there are too many documents for one answer, and where some have no such vector.
    """
    if not info.limits.exact:
        return None
    if split.residual is not None or info.vectors[vector].distance not in _PRODUCTS:
        return None
    expected = count(connection, info.name, split)
    if expected > MOST or info.limits.page_of(expected + _ARRIVING) <= expected:
        return None
    direction = _as_kept(direction, info.vectors[vector].datatype)
    request = grpc.QueryPoints(
        collection_name=info.name,
        query=grpc.Query(nearest=grpc.VectorInput(dense=write_vector(direction))),
        using=vector or None,
        filter=split.pushed,
        limit=info.limits.page_of(expected + _ARRIVING),
        params=grpc.SearchParams(exact=True),
        with_payload=payload_selector((*fields, *(["document_id"] if named else [])), None),
        with_vectors=vector_selector({}),
    )
    points = list(_answered(connection, request, info.shard_keys))
    if len(points) != expected:
        return None
    values = np.array([point.score for point in points], dtype=np.float32)
    unit = info.vectors[vector] == replace(info.vectors[vector], **_COSINE_OF_BYTES)
    if unit:
        values *= np.linalg.norm(direction)
    return Products(
        ids=[read_point_id(point) for point in points],
        document_ids=[read_document_id(point) for point in points] if named else [],
        values=values,
        direction=direction,
        unit=unit,
        whole=_whole(points, fields),
    )


def _answered(
    connection: Connection, request: grpc.QueryPoints, shard_keys: Sequence[ShardKey] | None
) -> Iterator[Any]:
    """The points under every shard key, or those of a collection without any."""
    for key in shard_keys or (None,):
        if key is not None:
            request.shard_key_selector.CopyFrom(under(key))
        yield from connection.points("Query", request).result


def _as_kept(direction: Floats, datatype: str) -> Floats:
    """What the server makes of a direction before it compares; of one of length 1, bytes."""
    if datatype == "Float16":
        return direction.astype(np.float16).astype(np.float32)
    if datatype == "Uint8":
        low, high = float(direction.min()), float(direction.max())
        return np.rint((direction - low) * (_BYTE / max(high - low, 1e-9))).astype(np.float32)
    return direction


def _whole(points: Sequence[Any], fields: Sequence[str]) -> NDArray[np.bool_]:
    whole = np.ones(len(points), dtype=np.bool_)
    for name in fields:
        whole &= np.array([name in point.payload for point in points], dtype=np.bool_)
    return whole
