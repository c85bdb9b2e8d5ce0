"""Collections of Qdrant and their aliases."""

from collections.abc import Mapping

from qdrant_client import grpc

from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.types import CollectionInfo, Vector


def describe(connection: Connection, name: str) -> CollectionInfo:
    """What ``name`` (a collection or an alias) holds."""
    request = grpc.GetCollectionInfoRequest(collection_name=name)
    info = connection.collections("Get", request).result
    counted = grpc.CountPoints(collection_name=name, exact=True)
    config = info.config.params.vectors_config
    dense = (
        {"": config.params} if config.WhichOneof("config") == "params" else config.params_map.map
    )
    return CollectionInfo(
        name=name,
        points=connection.points("Count", counted).result.count,
        vectors={
            vector: Vector(size=params.size, distance=grpc.Distance.Name(params.distance))
            for vector, params in sorted(dense.items())
            if not params.HasField("multivector_config")
        },
        indexes={field: schema.data_type for field, schema in info.payload_schema.items()},
    )


def create(connection: Connection, name: str, vectors: Mapping[str, int], *, distance: str) -> None:
    """Make a collection with dense vectors of these sizes."""
    compared = grpc.Distance.Value(distance)
    params = {
        vector: grpc.VectorParams(size=size, distance=compared) for vector, size in vectors.items()
    }
    unnamed = params.get("") if len(params) == 1 else None
    config = (
        grpc.VectorsConfig(params_map=grpc.VectorParamsMap(map=params))
        if unnamed is None
        else grpc.VectorsConfig(params=unnamed)
    )
    connection.collections(
        "Create", grpc.CreateCollection(collection_name=name, vectors_config=config)
    )


def delete(connection: Connection, name: str) -> bool:
    """Drop a collection; False when there was none."""
    request = grpc.DeleteCollection(collection_name=name)
    return bool(connection.collections("Delete", request).result)


def aliases(connection: Connection) -> dict[str, str]:
    """Every alias and the collection it stands for."""
    listed = connection.collections("ListAliases", grpc.ListAliasesRequest())
    return {item.alias_name: item.collection_name for item in listed.aliases}


def set_aliases(connection: Connection, targets: Mapping[str, str | None]) -> None:
    """Let each alias stand for its collection, all from one moment to the next; None removes it."""
    there = aliases(connection)
    actions = [
        grpc.AliasOperations(delete_alias=grpc.DeleteAlias(alias_name=alias))
        for alias in targets
        if alias in there
    ]
    actions += [
        grpc.AliasOperations(create_alias=grpc.CreateAlias(alias_name=alias, collection_name=name))
        for alias, name in targets.items()
        if name is not None
    ]
    if actions:
        connection.collections("UpdateAliases", grpc.ChangeAliases(actions=actions))
