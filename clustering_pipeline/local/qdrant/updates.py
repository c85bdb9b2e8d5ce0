"""The writing half of the service ``qdrant.Points``.

Every write is applied and logged before it is answered, whatever ``wait`` says.
"""

from collections.abc import Callable, Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.config import engine_config, with_vector
from clustering_pipeline.local.qdrant.filters import (
    EngineId,
    asked_shards,
    optional_filter,
    read_filter,
    read_id,
    read_ids,
)
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.status import unserved, wrong_input
from clustering_pipeline.local.qdrant.store import Collection, CollectionStore
from clustering_pipeline.local.qdrant.values import Shapes, read_payload, read_vectors

Operation = edge.UpdateOperation
Reader = Callable[[Any, Shapes], Operation]
_MODES = {
    messages.UpdateMode.Upsert: edge.UpdateMode.Upsert,
    messages.UpdateMode.InsertOnly: edge.UpdateMode.InsertOnly,
    messages.UpdateMode.UpdateOnly: edge.UpdateMode.UpdateOnly,
}


def upsert(request: Any, shapes: Shapes) -> Operation:
    """From ``UpsertPoints`` or its place in a batch."""
    return Operation.upsert_points(
        [_point(point, shapes) for point in request.points],
        optional_filter(request, "update_filter"),
        _MODES[request.update_mode],
    )


def update_vectors(request: Any, shapes: Shapes) -> Operation:
    """From ``UpdatePointVectors`` or its place in a batch."""
    points = [
        edge.PointVectors(id=read_id(point.id), vector=read_vectors(point.vectors, shapes))
        for point in request.points
    ]
    return Operation.update_vectors(points, optional_filter(request, "update_filter"))


def set_payload(request: Any, _: Shapes) -> Operation:
    """Merge fields into the payload."""
    return _by_selector(
        request.points_selector,
        Operation.set_payload,
        Operation.set_payload_by_filter,
        read_payload(request.payload),
        _key(request),
    )


def overwrite_payload(request: Any, _: Shapes) -> Operation:
    """Replace the payload."""
    return _by_selector(
        request.points_selector,
        Operation.overwrite_payload,
        Operation.overwrite_payload_by_filter,
        read_payload(request.payload),
        _key(request),
    )


def delete_payload(request: Any, _: Shapes) -> Operation:
    """Remove fields from the payload."""
    return _by_selector(
        request.points_selector,
        Operation.delete_payload,
        Operation.delete_payload_by_filter,
        list(request.keys),
    )


def clear_payload(request: Any, _: Shapes) -> Operation:
    """Empty the payload."""
    return _by_selector(request.points, Operation.clear_payload, Operation.clear_payload_by_filter)


def delete_points(request: Any, _: Shapes) -> Operation:
    """Remove points."""
    return _by_selector(request.points, Operation.delete_points, Operation.delete_points_by_filter)


def delete_vectors(request: Any, shapes: Shapes) -> Operation:
    """Remove vectors from points."""
    names = list(request.vectors.names)
    for name in names:
        if name not in shapes:
            raise wrong_input(reason=f"Not existing vector name error: {name}")
    return _by_selector(
        request.points_selector, Operation.delete_vectors, Operation.delete_vectors_by_filter, names
    )


def _batched(operation: messages.PointsUpdateOperation, shapes: Shapes) -> Operation:
    kind = operation.WhichOneof("operation")
    if kind is None:
        raise wrong_input(reason="Malformed PointsUpdateOperation: it holds none")
    request = getattr(operation, kind)
    if kind not in _BATCHED:
        raise unserved(what=f"the operation `{kind}`")
    return _BATCHED[kind](request, shapes)


_BATCHED: Mapping[str, Callable[[Any, Shapes], Operation]] = {
    "upsert": upsert,
    "update_vectors": update_vectors,
    "set_payload": set_payload,
    "overwrite_payload": overwrite_payload,
    "delete_payload": delete_payload,
    "clear_payload": clear_payload,
    "delete_points": delete_points,
    "delete_vectors": delete_vectors,
}


def _point(point: messages.PointStruct, shapes: Shapes) -> edge.Point:
    return edge.Point(
        id=read_id(point.id),
        vector=read_vectors(point.vectors, shapes),
        payload=read_payload(point.payload),
    )


def _key(request: messages.SetPayloadPoints) -> str | None:
    return request.key if request.HasField("key") else None


def _by_selector(
    selector: messages.PointsSelector,
    by_ids: Callable[..., Operation],
    by_filter: Callable[..., Operation],
    *arguments: Any,
) -> Operation:
    match selector.WhichOneof("points_selector_one_of"):
        case "points":
            ids: list[EngineId] = read_ids(selector.points.ids)
            return by_ids(ids, *arguments)
        case "filter":
            return by_filter(read_filter(selector.filter), *arguments)
        case _:
            raise wrong_input(reason="points_selector is expected")


_TYPES = {
    messages.FieldTypeKeyword: edge.PayloadSchemaType.Keyword,
    messages.FieldTypeInteger: edge.PayloadSchemaType.Integer,
    messages.FieldTypeFloat: edge.PayloadSchemaType.Float,
    messages.FieldTypeGeo: edge.PayloadSchemaType.Geo,
    messages.FieldTypeText: edge.PayloadSchemaType.Text,
    messages.FieldTypeBool: edge.PayloadSchemaType.Bool,
    messages.FieldTypeDatetime: edge.PayloadSchemaType.Datetime,
    messages.FieldTypeUuid: edge.PayloadSchemaType.Uuid,
}
_PARAMS = {
    "keyword_index_params": edge.KeywordIndexParams,
    "integer_index_params": edge.IntegerIndexParams,
    "float_index_params": edge.FloatIndexParams,
    "geo_index_params": edge.GeoIndexParams,
    "text_index_params": edge.TextIndexParams,
    "bool_index_params": edge.BoolIndexParams,
    "datetime_index_params": edge.DatetimeIndexParams,
    "uuid_index_params": edge.UuidIndexParams,
}
_TOKENIZERS = {
    messages.TokenizerType.Prefix: edge.TokenizerType.Prefix,
    messages.TokenizerType.Whitespace: edge.TokenizerType.Whitespace,
    messages.TokenizerType.Word: edge.TokenizerType.Word,
    messages.TokenizerType.Multilingual: edge.TokenizerType.Multilingual,
    messages.TokenizerType.Code: edge.TokenizerType.Code,
}
# Where things lie in memory changes no answer, so these are dropped.
_WITHOUT_EFFECT = frozenset({"on_disk", "memory", "enable_hnsw"})


def create_index(request: messages.CreateFieldIndexCollection, _: Shapes) -> edge.UpdateOperation:
    """Index a field by its type, with parameters or without."""
    kind = request.field_index_params.WhichOneof("index_params")
    if kind is not None:
        schema = _params(kind, getattr(request.field_index_params, kind))
    elif request.HasField("field_type"):
        schema = _TYPES[request.field_type]
    else:
        raise wrong_input(reason=f"the index on `{request.field_name}` needs a field type")
    return edge.UpdateOperation.create_field_index(request.field_name, schema)


def delete_index(request: messages.DeleteFieldIndexCollection, _: Shapes) -> edge.UpdateOperation:
    """Drop the index of a field, if it has one."""
    return edge.UpdateOperation.delete_field_index(request.field_name)


def _params(kind: str, message: Any) -> Any:
    given = {field.name: value for field, value in message.ListFields()}
    arguments = {
        name: _ARGUMENTS.get(name, _same)(value)
        for name, value in given.items()
        if name not in _WITHOUT_EFFECT
    }
    return _PARAMS[kind](**arguments)


def _same(value: Any) -> Any:
    return value


def _stopwords(message: messages.StopwordsSet) -> edge.StopwordsSet:
    languages = {_named(edge.Language, language) for language in message.languages}
    return edge.StopwordsSet(languages=languages or None, custom=set(message.custom) or None)


def _stemmer(message: messages.StemmingAlgorithm) -> Any:
    if message.WhichOneof("stemming_params") == "snowball":
        return edge.SnowballParams(_named(edge.SnowballLanguage, message.snowball.language))
    return edge.DisabledStemmer()


def _named(kinds: Any, name: str) -> Any:
    found = getattr(kinds, name.capitalize(), None)
    if found is None:
        raise unserved(what=f"the language `{name}`")
    return found


_ARGUMENTS: Mapping[str, Callable[[Any], Any]] = {
    "prefix": lambda _: True,
    "tokenizer": _TOKENIZERS.__getitem__,
    "stopwords": _stopwords,
    "stemmer": _stemmer,
    "scoring": lambda _: edge.TextScoringParams(edge.TextScoringType.Bm25),
}


_READERS: Mapping[str, Reader] = {
    "Upsert": upsert,
    "Delete": delete_points,
    "UpdateVectors": update_vectors,
    "DeleteVectors": delete_vectors,
    "SetPayload": set_payload,
    "OverwritePayload": overwrite_payload,
    "DeletePayload": delete_payload,
    "ClearPayload": clear_payload,
    "CreateFieldIndex": create_index,
    "DeleteFieldIndex": delete_index,
}


class UpdatesService:
    """Changes points and payload indexes."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        single = {name: self._single(reader) for name, reader in _READERS.items()}
        return {**single, "UpdateBatch": self._batch, "CreateVectorName": self._create_vector}

    def _single(self, reader: Reader) -> Method:
        def method(request: Any) -> messages.PointsOperationResponse:
            collection = self._store.resolve(request)
            operation = reader(request, collection.shapes)
            self._apply(collection, request, operation)
            return messages.PointsOperationResponse(result=_completed())

        return method

    def _apply(self, collection: Collection, request: Any, operation: Operation) -> None:
        folders = list(collection.asked(request).values())
        if isinstance(request, _OF_COLLECTIONS):
            folders = collection.folders
        elif collection.keyed is not None and not asked_shards(request) and not _filters(request):
            raise wrong_input(reason="Shard key not specified")
        for folder in folders:
            with self._store.shards.use(folder, write=True) as shard:
                shard.update(operation)

    def _create_vector(
        self, request: messages.CreateVectorNameRequest
    ) -> messages.PointsOperationResponse:
        collection, name = self._store.resolve(request), request.vector_name
        config = with_vector(collection.config, name, request)
        params = engine_config(config.params).vectors[name]
        operation = Operation.create_dense_vector(
            name, params.size, params.distance, params.multivector_config, params.datatype
        )
        self._apply(collection, request, operation)
        self._store.registry.change(
            lambda contents: contents.with_config(
                collection.name,
                with_vector(contents.resolve(collection.name).config, name, request),
            )
        )
        return messages.PointsOperationResponse(result=_completed())

    def _batch(self, request: messages.UpdateBatchPoints) -> messages.UpdateBatchResponse:
        collection = self._store.resolve(request)
        batch = [_batched(operation, collection.shapes) for operation in request.operations]
        inner = [
            getattr(message, str(message.WhichOneof("operation"))) for message in request.operations
        ]
        if collection.keyed is None:
            with self._store.shard(collection, write=True) as shard:
                for message, operation in zip(inner, batch, strict=True):
                    self._store.ration(collection, message)
                    shard.update(operation)
        else:
            for message, operation in zip(inner, batch, strict=True):
                self._store.ration(collection, message)
                self._apply(collection, message, operation)
        return messages.UpdateBatchResponse(result=[_completed()] * len(batch))


_OF_COLLECTIONS = (
    messages.CreateFieldIndexCollection,
    messages.DeleteFieldIndexCollection,
    messages.CreateVectorNameRequest,
)


def _filters(request: Any) -> bool:
    """Whether a request chooses its points by a filter."""
    for name in ("points_selector", "points"):
        if name in request.DESCRIPTOR.fields_by_name:
            selector = getattr(request, name)
            return isinstance(selector, messages.PointsSelector) and selector.HasField("filter")
    return False


def _completed() -> messages.UpdateResult:
    return messages.UpdateResult(operation_id=0, status=messages.UpdateStatus.Completed)
