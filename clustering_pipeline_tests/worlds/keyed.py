"""Collections of Qdrant with shard keys of their own."""

from collections.abc import Sequence

from qdrant_client import QdrantClient, grpc


def make_keyed(
    client: QdrantClient, name: str, keys: Sequence[str | int], *, vector: str, size: int
) -> None:
    """A collection whose points each lie under one of the keys."""
    shape = grpc.VectorParams(size=size, distance=grpc.Distance.Cosine)
    params = grpc.VectorParamsMap(map={vector: shape})
    client.grpc_collections.Create(
        grpc.CreateCollection(
            collection_name=name,
            vectors_config=grpc.VectorsConfig(params_map=params),
            sharding_method=grpc.ShardingMethod.Custom,
        )
    )
    for key in keys:
        named = grpc.ShardKey(number=key) if isinstance(key, int) else grpc.ShardKey(keyword=key)
        request = grpc.CreateShardKey(shard_key=named)
        client.grpc_collections.CreateShardKey(
            grpc.CreateShardKeyRequest(collection_name=name, request=request)
        )
