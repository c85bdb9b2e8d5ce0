"""Collection parameters: the engine's configuration, and the shapes its vectors must have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import unserved, wrong_input

Kind = Literal["dense", "multi", "sparse"]

_DISTANCES = {
    messages.Cosine: edge.Distance.Cosine,
    messages.Euclid: edge.Distance.Euclid,
    messages.Dot: edge.Distance.Dot,
    messages.Manhattan: edge.Distance.Manhattan,
}
_DATATYPES = {
    messages.Default: None,
    messages.Float32: edge.VectorStorageDatatype.Float32,
    messages.Float16: edge.VectorStorageDatatype.Float16,
    messages.Uint8: edge.VectorStorageDatatype.Uint8,
}
_MODIFIERS = {messages.Modifier.Value("None"): None, messages.Idf: edge.Modifier.Idf}


@dataclass(frozen=True, kw_only=True)
class VectorShape:
    """What a vector of one name looks like."""

    kind: Kind
    size: int = 0

    def check(self, name: str, vector: Any) -> None:
        """Refuse a vector of another kind or size; a dense one may stand for several."""
        given = _kind(vector)
        if given != self.kind and (given, self.kind) != ("dense", "multi"):
            mismatch = f"vector `{name}` is {self.kind}, got a {given} vector"
            raise wrong_input(reason=mismatch)
        if given == "sparse":
            _check_sparse(name, vector)
        else:
            self._check_sizes([vector] if given == "dense" else vector)

    def _check_sizes(self, rows: list[Any]) -> None:
        for row in rows:
            if len(row) != self.size:
                mismatch = f"expected dim: {self.size}, got {len(row)}"
                raise wrong_input(reason=f"Vector dimension error: {mismatch}")


def _check_sparse(name: str, vector: edge.SparseVector) -> None:
    """The engine panics on the first fault, and keeps one of two values on the second."""
    indices = vector.indices
    if len(indices) != len(vector.values):
        raise wrong_input(reason=f"vector `{name}` must have as many values as indices")
    if len(indices) != len(set(indices)):
        raise wrong_input(reason=f"vector `{name}` must have unique indices")


def vector_shapes(params: messages.CollectionParams) -> dict[str, VectorShape]:
    """The vectors of a collection by name."""
    shapes = {name: _shape(vector) for name, vector in _dense(params)}
    return shapes | {name: VectorShape(kind="sparse") for name in params.sparse_vectors_config.map}


def engine_config(params: messages.CollectionParams) -> edge.EdgeConfig:
    """How the engine is to store a collection.

    One search thread: a shard has one segment, and a server holds many shards open.
    """
    dense = {name: _vector_params(vector) for name, vector in _dense(params)}
    sparse = {name: _sparse(vector) for name, vector in params.sparse_vectors_config.map.items()}
    if not dense and not sparse:
        raise unserved(what="a collection without vectors")
    return edge.EdgeConfig(
        vectors=dense or None,
        sparse_vectors=sparse or None,
        max_search_threads=1,
    )


def _dense(params: messages.CollectionParams) -> Iterator[tuple[str, messages.VectorParams]]:
    config = params.vectors_config
    if config.WhichOneof("config") == "params":
        yield "", config.params
    else:
        yield from config.params_map.map.items()


def _shape(vector: messages.VectorParams) -> VectorShape:
    kind = "multi" if vector.HasField("multivector_config") else "dense"
    return VectorShape(kind=kind, size=vector.size)


def _kind(vector: Any) -> Kind:
    if isinstance(vector, edge.SparseVector):
        return "sparse"
    return "multi" if vector and isinstance(vector[0], list) else "dense"


def _vector_params(vector: messages.VectorParams) -> edge.EdgeVectorParams:
    if not 1 <= vector.size <= 65536:
        raise wrong_input(reason=f"vector size {vector.size} is not between 1 and 65536")
    return edge.EdgeVectorParams(
        size=vector.size,
        distance=_looked_up(_DISTANCES, vector.distance, "distance"),
        datatype=_looked_up(_DATATYPES, vector.datatype, "datatype"),
        multivector_config=_multivector(vector),
    )


def _multivector(vector: messages.VectorParams) -> edge.MultiVectorConfig | None:
    if not vector.HasField("multivector_config"):
        return None
    return edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)


def _sparse(vector: messages.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    return edge.EdgeSparseVectorParams(
        modifier=_looked_up(_MODIFIERS, vector.modifier, "modifier"),
        datatype=_looked_up(_DATATYPES, vector.index.datatype, "datatype"),
    )


def _looked_up(table: Mapping[Any, Any], value: int, what: str) -> Any:
    if value not in table:
        raise unserved(what=f"the {what} {value}")
    return table[value]
