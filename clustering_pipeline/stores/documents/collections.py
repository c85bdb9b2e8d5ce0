"""Collections of Qdrant and their aliases."""

from collections.abc import Mapping
from contextlib import suppress

from qdrant_client import grpc

from clustering_pipeline.model.errors import DocumentsRefused
from clustering_pipeline.stores.documents.codec import read_shard_key
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.types import (
    UNLIMITED,
    CollectionInfo,
    Limits,
    ShardKey,
    Vector,
)

_SEVERAL = "multivector_config"
_DATATYPES = {grpc.Datatype.Float16: "Float16", grpc.Datatype.Uint8: "Uint8"}


def info(connection: Connection, name: str) -> CollectionInfo:
    """What ``name`` (a collection or an alias) is; its points are counted roughly."""
    request = grpc.GetCollectionInfoRequest(collection_name=name)
    answer = connection.collections("Get", request).result
    config = answer.config.params.vectors_config
    dense = (
        {"": config.params} if config.WhichOneof("config") == "params" else config.params_map.map
    )
    sparse = answer.config.params.sparse_vectors_config.map
    return CollectionInfo(
        name=name,
        points=answer.points_count,
        vectors={
            vector: Vector(
                size=params.size,
                distance=grpc.Distance.Name(params.distance),
                datatype=_DATATYPES.get(params.datatype, "Float32"),
            )
            for vector, params in sorted(dense.items())
            if not params.HasField(_SEVERAL)
        },
        indexes={field: schema.data_type for field, schema in answer.payload_schema.items()},
        unusable={
            **dict.fromkeys(sparse, "sparse"),
            **{name: "several a point" for name in dense if dense[name].HasField(_SEVERAL)},
        },
        limits=_limits(answer.config.strict_mode_config),
        shard_keys=_shard_keys(connection, name, answer.config.params),
    )


def _shard_keys(
    connection: Connection, name: str, params: grpc.CollectionParams
) -> tuple[ShardKey, ...] | None:
    if params.sharding_method != grpc.ShardingMethod.Custom:
        return None
    request = grpc.CollectionClusterInfoRequest(collection_name=name)
    answer = connection.collections("CollectionClusterInfo", request)
    shards = [*answer.local_shards, *answer.remote_shards]
    keys = {read_shard_key(shard) for shard in shards if shard.HasField("shard_key")}
    return tuple(sorted(keys, key=lambda key: (isinstance(key, str), key)))


def _limits(strict: grpc.StrictModeConfig) -> Limits:
    if not strict.enabled:
        return UNLIMITED

    given = {field.name: value for field, value in strict.ListFields()}
    return Limits(
        page=given.get("max_query_limit"),
        unindexed=given.get("unindexed_filtering_retrieve", True),
        exact=given.get("search_allow_exact", True),
        operands=given.get("condition_max_size"),
        conditions=given.get("filter_max_conditions"),
        upsert=given.get("upsert_max_batchsize"),
        reads=given.get("read_rate_limit"),
        writes=given.get("write_rate_limit"),
    )


def index(connection: Connection, name: str, fields: Mapping[str, str]) -> None:
    """Index these fields (name to ``Keyword``, ``Bool`` …) where no filter may do without.

    A collection that takes no more indexes is read without: filters are then evaluated here.
    """
    present = info(connection, name)
    for field, kind in fields.items():
        if present.limits.unindexed or field in present.indexes:
            continue
        request = grpc.CreateFieldIndexCollection(
            collection_name=name,
            field_name=field,
            field_type=grpc.FieldType.Value(f"FieldType{kind}"),
            wait=True,
        )
        with suppress(DocumentsRefused):
            connection.points("CreateFieldIndex", request)


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


def index_keyword(connection: Connection, name: str, field: str) -> None:
    """Find texts of a field without a look at every point."""
    request = grpc.CreateFieldIndexCollection(
        collection_name=name, field_name=field, field_type=grpc.FieldTypeKeyword, wait=True
    )
    connection.points("CreateFieldIndex", request)


def add_vector(connection: Connection, name: str, vector: str, size: int, distance: str) -> None:
    """Let the points of a collection have one vector more; DocumentsRefused where none fits."""
    dense = grpc.DenseVectorCreationConfig(size=size, distance=grpc.Distance.Value(distance))
    request = grpc.CreateVectorNameRequest(
        collection_name=name, vector_name=vector, dense_config=dense, wait=True
    )
    connection.points("CreateVectorName", request)


def delete(connection: Connection, name: str) -> bool:
    """Drop a collection; False when there was none."""
    request = grpc.DeleteCollection(collection_name=name)
    return bool(connection.collections("Delete", request).result)


def aliases(connection: Connection) -> dict[str, str]:
    """Every alias and the collection it stands for."""
    listed = connection.collections("ListAliases", grpc.ListAliasesRequest())
    return {item.alias_name: item.collection_name for item in listed.aliases}


def set_aliases(connection: Connection, targets: Mapping[str, str | None]) -> None:
    """Let each alias stand for its collection, all from one moment to the next; None removes it.

    A server that fails at one of several switches has made those before it.  So what they point to
    is looked for first, an alias is never removed to be made anew, and removals come last.
    """
    present, names = aliases(connection), set(connection.names())
    for name in targets.values():
        if name is not None and name not in names:
            raise connection.collection_missing(name)
    actions = [
        grpc.AliasOperations(create_alias=grpc.CreateAlias(alias_name=alias, collection_name=name))
        for alias, name in targets.items()
        if name is not None and present.get(alias) != name
    ]
    actions += [
        grpc.AliasOperations(delete_alias=grpc.DeleteAlias(alias_name=alias))
        for alias, name in targets.items()
        if name is None and alias in present
    ]
    if actions:
        connection.collections("UpdateAliases", grpc.ChangeAliases(actions=actions))
