"""Payloads: a map of JSON values."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import wrong_input

# JSON as Python holds it; the engine takes and gives exactly these.
Json = Any


def _finite(value: messages.Value) -> float:
    number = value.double_value
    if not math.isfinite(number):
        raise wrong_input(reason=f"cannot convert to json number: {number}")
    return number


_READERS: Mapping[str | None, Callable[[messages.Value], Json]] = {
    None: lambda _: None,
    "null_value": lambda _: None,
    "string_value": lambda value: value.string_value,
    "integer_value": lambda value: value.integer_value,
    "bool_value": lambda value: value.bool_value,
    "double_value": _finite,
    "list_value": lambda value: [read_value(item) for item in value.list_value.values],
    "struct_value": lambda value: read_payload(value.struct_value.fields),
}


def read_value(value: messages.Value) -> Json:
    """One JSON value."""
    return _READERS[value.WhichOneof("kind")](value)


def read_payload(fields: Mapping[str, messages.Value]) -> dict[str, Json]:
    """A JSON object."""
    return {
        key: _READERS[value.WhichOneof("kind")](value)  # not read_value: this is the hot path
        for key, value in fields.items()
    }


def write_value(value: Json, into: messages.Value) -> None:
    """Fill in a message; ``bool`` comes before ``int``, which it is a kind of."""
    match value:
        case str():
            into.string_value = value
        case bool():
            into.bool_value = value
        case int():
            _write_integer(value, into)
        case float():
            into.double_value = value
        case None:
            into.null_value = messages.NULL_VALUE
        case list():
            _write_list(value, into)
        case _:
            _write_struct(value, into)


def write_payload(payload: Mapping[str, Json], into: Any) -> None:
    """Fill in a message's ``map<string, Value>``."""
    for key, value in payload.items():
        write_value(value, into[key])


def _write_integer(value: int, into: messages.Value) -> None:
    if -(2**63) <= value < 2**63:
        into.integer_value = value
    else:  # as the server does with what its wire format cannot hold
        into.double_value = float(value)


def _write_list(values: list[Json], into: messages.Value) -> None:
    into.list_value.SetInParent()
    add = into.list_value.values.add
    for value in values:
        write_value(value, add())


def _write_struct(fields: Mapping[str, Json], into: messages.Value) -> None:
    into.struct_value.SetInParent()
    write_payload(fields, into.struct_value.fields)
