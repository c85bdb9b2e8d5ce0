"""What the models have in common: requests are strict and closed, records and views frozen."""

from collections.abc import Mapping
from types import NoneType
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from clustering_pipeline.model.errors import InvalidDefinition, InvalidRequest
from clustering_pipeline.model.json_values import check_text, check_whole

_UNKNOWN_KEY = "unknown_key"


class Facts(BaseModel):
    """A frozen value whose fields are described by the docstrings below them."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class RequestModel(Facts):
    """What clients send.

    Types are JSON's own, nothing is coerced. Unknown keys are refused by name. Null stands for the
    default wherever null is not a value of its own: clients send every field they know.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    refused_as: ClassVar[type[InvalidRequest]] = InvalidDefinition

    @model_validator(mode="before")
    @classmethod
    def _admit(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        unknown = [str(key) for key in data if key not in cls.model_fields]
        if unknown:
            raise PydanticCustomError(_UNKNOWN_KEY, "{problem}", {"problem": cls.unknown(unknown)})
        _check_values(data)
        return {key: value for key, value in data.items() if not cls._means_default(key, value)}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        _allow_null(handler.resolve_ref_schema(schema))
        return schema

    @classmethod
    def unknown(cls, keys: list[str]) -> str:
        """The sentence that refuses ``keys``, with those there are."""
        return f"takes no {listed(keys)}; it takes: {', '.join(cls.model_fields)}"

    @classmethod
    def _means_default(cls, key: str, value: Any) -> bool:
        field = cls.model_fields[key]
        return value is None and not field.is_required() and not _nullable(field.annotation)


def _allow_null(schema: JsonSchemaValue) -> None:
    """Says of every optional field that null stands for its default."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        if name in required or {"type": "null"} in field.get("anyOf", ()):
            continue
        about = {key: field.pop(key) for key in ("title", "description", "default") if key in field}
        allowed = {"anyOf": [field, {"type": "null"}]} if field else {}
        schema["properties"][name] = allowed | about


class Record(Facts):
    """What the catalog keeps. Fields of later versions are passed over, not refused."""

    model_config = ConfigDict(extra="ignore")


class View(Facts):
    """What clients read: every field is always present."""


def listed(keys: list[str]) -> str:
    """``'a', 'b'``, cut short and safe to print."""
    shown = [repr(key[:60]) for key in keys[:5]]
    return ", ".join(shown) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def _check_values(data: Mapping[str, Any]) -> None:
    """What no store could keep; objects look through their own."""
    for key, value in data.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                check_text(item, name=key)
            elif isinstance(item, int):
                check_whole(item, name=key)


def _nullable(annotation: Any) -> bool:
    return annotation is Any or NoneType in get_args(annotation)
