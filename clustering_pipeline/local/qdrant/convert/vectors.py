"""Vectors on their way in: dense, sparse or several per point, named or not."""

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.config import VectorShape
from clustering_pipeline.local.qdrant.status import unserved, wrong_input

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
