"""The engine's records as messages.

A record makes its lists anew each time it is asked, so each is read once and let go: holding on
to the vectors of a page costs five times as much, in page faults.
"""

import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.filters import write_id
from clustering_pipeline.local.qdrant.values import write_payload

Shown = Callable[[Any], Mapping[str, Any]]
"""A payload as answers have it."""


def write_record(record: edge.Record, into: messages.RetrievedPoint, shown: Shown) -> None:
    """Fill in a message with a stored point."""
    write_id(record.id, into.id)
    write_payload(shown(record.payload), into.payload)
    _write_vectors(record.vector, into)


def write_scored(point: edge.ScoredPoint, into: messages.ScoredPoint, shown: Shown) -> None:
    """Fill in a message with a point a query found."""
    write_id(point.id, into.id)
    into.score = point.score
    into.version = point.version
    write_payload(shown(point.payload), into.payload)
    _write_vectors(point.vector, into)


def _write_vectors(vectors: Any, into: Any) -> None:
    match vectors:
        case None:
            return
        case dict():
            into.vectors.vectors.SetInParent()
            named = into.vectors.vectors.vectors
            for name, vector in vectors.items():
                _write_vector(vector, named[name])
        case _:
            _write_vector(vectors, into.vectors.vector)


def _write_vector(vector: Any, into: messages.VectorOutput) -> None:
    if isinstance(vector, edge.SparseVector):
        into.sparse.indices.extend(vector.indices)
        into.sparse.values.extend(vector.values)
    elif vector and isinstance(vector[0], list):
        add = into.multi_dense.vectors.add
        for row in vector:
            add().data.extend(row)
    else:
        prefix, pack = _dense_form(len(vector))
        into.MergeFromString(prefix + pack(*vector))


@cache
def _dense_form(size: int) -> tuple[bytes, Callable[..., bytes]]:
    """How a dense vector lies on the wire: what precedes the numbers, and the numbers' own form.

    Merging these bytes takes half the time of filling in the numbers.
    """
    numbers = struct.Struct(f"<{size}f")
    sample = messages.VectorOutput(dense=messages.DenseVector(data=[0.0] * size))
    return sample.SerializeToString()[: -numbers.size], numbers.pack
