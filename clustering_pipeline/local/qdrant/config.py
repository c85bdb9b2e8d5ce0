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
        vectors=dense or None, sparse_vectors=sparse or None, max_search_threads=1
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


def changed_config(
    config: messages.CollectionConfig, request: messages.UpdateCollection
) -> messages.CollectionConfig:
    """The configuration to tell from now on."""
    if request.HasField("sparse_vectors_config"):
        raise unserved(what="a change of `sparse_vectors_config`")
    if request.strict_mode_config.enabled:
        raise unserved(what="strict mode")
    changed = messages.CollectionConfig()
    changed.CopyFrom(config)
    changed.hnsw_config.MergeFrom(request.hnsw_config)
    changed.optimizer_config.MergeFrom(request.optimizers_config)
    if request.params.HasField("on_disk_payload"):
        changed.params.on_disk_payload = request.params.on_disk_payload
    _change_vectors(changed.params.vectors_config, request.vectors_config)
    if request.HasField("quantization_config"):
        _change_quantization(changed, request.quantization_config)
    for key, value in request.metadata.items():
        changed.metadata[key].CopyFrom(value)
    return changed


def with_vector(
    config: messages.CollectionConfig, name: str, request: messages.CreateVectorNameRequest
) -> messages.CollectionConfig:
    """The configuration with one dense vector more, which no point has yet."""
    vectors = config.params.vectors_config
    if not request.HasField("dense_config"):
        raise unserved(what="a vector to add that is not dense")
    if vectors.WhichOneof("config") == "params" or name in vectors.params_map.map:
        raise wrong_input(reason=f"vector `{name}` cannot be added to those that exist")
    changed = messages.CollectionConfig()
    changed.CopyFrom(config)
    dense = request.dense_config
    added = changed.params.vectors_config.params_map.map[name]
    added.size, added.distance, added.datatype = dense.size, dense.distance, dense.datatype
    return changed


def _change_vectors(config: messages.VectorsConfig, diff: messages.VectorsConfigDiff) -> None:
    if diff.HasField("params"):
        _change_vector(_existing(config, ""), diff.params)
    for name, vector in diff.params_map.map.items():
        _change_vector(_existing(config, name), vector)


def _existing(config: messages.VectorsConfig, name: str) -> messages.VectorParams:
    if not name and config.HasField("params"):
        return config.params
    if name not in config.params_map.map:
        raise wrong_input(reason=f"Not existing vector name error: {name}")
    return config.params_map.map[name]


def _change_vector(params: messages.VectorParams, diff: messages.VectorParamsDiff) -> None:
    params.hnsw_config.MergeFrom(diff.hnsw_config)
    if diff.HasField("on_disk"):
        params.on_disk = diff.on_disk
    if diff.HasField("quantization_config"):
        _change_quantization(params, diff.quantization_config)


def _change_quantization(
    config: messages.CollectionConfig | messages.VectorParams, diff: messages.QuantizationConfigDiff
) -> None:
    kind = diff.WhichOneof("quantization")
    config.ClearField("quantization_config")
    if kind is not None and kind != "disabled":
        getattr(config.quantization_config, kind).CopyFrom(getattr(diff, kind))


# What a server fills in where a request says nothing.
_DEFAULTS = messages.CollectionConfig(
    params=messages.CollectionParams(
        shard_number=1, on_disk_payload=True, replication_factor=1, write_consistency_factor=1
    ),
    hnsw_config=messages.HnswConfigDiff(
        m=16, ef_construct=100, full_scan_threshold=10000, max_indexing_threads=0, on_disk=False
    ),
    optimizer_config=messages.OptimizersConfigDiff(
        deleted_threshold=0.2,
        vacuum_min_vector_number=1000,
        default_segment_number=0,
        indexing_threshold=20000,
        flush_interval_sec=5,
    ),
    wal_config=messages.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0),
)

_SCHEMA_TYPES = {
    edge.PayloadSchemaType.Keyword: messages.PayloadSchemaType.Keyword,
    edge.PayloadSchemaType.Integer: messages.PayloadSchemaType.Integer,
    edge.PayloadSchemaType.Float: messages.PayloadSchemaType.Float,
    edge.PayloadSchemaType.Geo: messages.PayloadSchemaType.Geo,
    edge.PayloadSchemaType.Text: messages.PayloadSchemaType.Text,
    edge.PayloadSchemaType.Bool: messages.PayloadSchemaType.Bool,
    edge.PayloadSchemaType.Datetime: messages.PayloadSchemaType.Datetime,
    edge.PayloadSchemaType.Uuid: messages.PayloadSchemaType.Uuid,
}


def stored_config(request: messages.CreateCollection) -> messages.CollectionConfig:
    """The configuration a new collection starts with.

    What tunes an index or an optimizer is kept and told, and has no effect: searches here are
    exact, over one segment.
    """
    config = messages.CollectionConfig()
    config.CopyFrom(_DEFAULTS)
    config.params.vectors_config.CopyFrom(request.vectors_config)
    if request.HasField("sparse_vectors_config"):
        config.params.sparse_vectors_config.CopyFrom(request.sparse_vectors_config)
    if request.HasField("sharding_method"):
        config.params.sharding_method = request.sharding_method
    if request.HasField("on_disk_payload"):
        config.params.on_disk_payload = request.on_disk_payload
    if request.HasField("quantization_config"):
        config.quantization_config.CopyFrom(request.quantization_config)
    config.hnsw_config.MergeFrom(request.hnsw_config)
    config.optimizer_config.MergeFrom(request.optimizers_config)
    config.wal_config.MergeFrom(request.wal_config)
    for key, value in request.metadata.items():
        config.metadata[key].CopyFrom(value)
    return config


def describe(config: messages.CollectionConfig, shard: "edge.ShardInfo") -> messages.CollectionInfo:
    """A collection as it is now."""
    info = messages.CollectionInfo(
        status=messages.Green,
        optimizer_status=messages.OptimizerStatus(ok=True),
        segments_count=shard.segments_count,
        points_count=shard.points_count,
        indexed_vectors_count=shard.indexed_vectors_count,
        config=config,
        payload_schema=_payload_schema(shard.payload_schema),
    )
    info.update_queue.SetInParent()
    return info


def _payload_schema(
    indexes: Mapping[str, "edge.PayloadIndexInfo"],
) -> dict[str, messages.PayloadSchemaInfo]:
    return {
        field: messages.PayloadSchemaInfo(
            data_type=_SCHEMA_TYPES[index.data_type], points=index.points
        )
        for field, index in indexes.items()
    }
