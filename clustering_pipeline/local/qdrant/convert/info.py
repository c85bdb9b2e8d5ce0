"""What a collection tells about itself."""

from collections.abc import Mapping

import qdrant_edge as edge
from qdrant_client import grpc as messages

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
