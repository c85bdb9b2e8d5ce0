"""Payload indexes."""

from collections.abc import Callable, Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.vectors import Shapes
from clustering_pipeline.local.qdrant.status import unserved, wrong_input

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
