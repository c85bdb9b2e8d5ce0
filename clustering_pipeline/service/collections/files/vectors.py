"""Vectors as files spell them: lists of numbers, JSON text, bytes, base64, one list in another."""

import re
from array import array
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray
from pydantic_core import from_json

from clustering_pipeline.service.collections.files.arrow_values import (
    decoded,
    is_extension,
    is_list,
    is_number,
)

_FLOAT_BYTES = 4
_BASE64 = re.compile(r"[A-Za-z0-9+/]*[A-Za-z+/][A-Za-z0-9+/]*={0,2}")
"""A text of digits alone is a number."""
_NAN, _INFINITE = float("nan"), float("inf")
_IS_TENSOR = is_extension("arrow.fixed_shape_tensor")


class NoVector(ValueError):
    """The value of a row, ``index`` of its block, is no vector."""

    def __init__(self, index: int, reason: str):
        super().__init__(reason)
        self.index = index


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors of a block: how long each is, and their numbers one after the other."""

    lengths: NDArray[np.int64]
    """-1 where a row has none."""
    numbers: NDArray[np.float32]
    """A number that is missing, or too large, is not finite."""

    def broken(self) -> NDArray[np.bool_]:
        """Which rows have a vector with a number that is not finite."""
        marks = np.zeros(len(self.lengths), dtype=bool)
        bad = np.flatnonzero(~np.isfinite(self.numbers))
        if len(bad):
            ends = np.cumsum(np.maximum(self.lengths, 0))
            marks[np.searchsorted(ends, bad, side="right")] = True
        return marks

    def rows(self) -> list[NDArray[np.float32] | None]:
        """The vector of each row."""
        sizes = np.maximum(self.lengths, 0).tolist()
        starts = accumulate(sizes, initial=0)
        return [
            None if length < 0 else self.numbers[start : start + length]
            for length, start in zip(self.lengths.tolist(), starts, strict=False)
        ]


def read_vectors(column: pa.Array | Sequence[Any]) -> Vectors:
    """The vectors of a column; raises NoVector for a row that holds something else."""
    if not isinstance(column, pa.Array):
        return _of_values(column)
    plain = decoded(column)
    if _IS_TENSOR(plain.type):
        plain = plain.storage
    if is_list(plain.type) and is_number(plain.type.value_type):
        return _of_lists(plain)
    return _of_values(plain.to_pylist())


def _of_lists(lists: pa.Array) -> Vectors:
    flat = lists.flatten()
    if kinds.is_decimal(flat.type):
        flat = flat.cast(pa.float64())
    with np.errstate(over="ignore"):
        numbers = flat.to_numpy(zero_copy_only=False).astype(np.float32)
    lengths = pc.call_function("list_value_length", [lists]).fill_null(-1)
    return Vectors(lengths=lengths.to_numpy().astype(np.int64), numbers=numbers)


def _of_values(values: Sequence[Any]) -> Vectors:
    parts = []
    for index, value in enumerate(values):
        try:
            parts.append(_floats(value))
        except (ValueError, TypeError) as error:
            raise NoVector(index, str(error)) from error
    lengths = [-1 if part is None else len(part) // _FLOAT_BYTES for part in parts]
    content = b"".join(part for part in parts if part is not None)
    return Vectors(
        lengths=np.array(lengths, dtype=np.int64), numbers=np.frombuffer(content, dtype=np.float32)
    )


def _floats(value: Any) -> bytes | None:
    """The floats of one vector as they lie in memory."""
    if isinstance(value, bytes) and not value.startswith(b"["):
        return _of_bytes(value)
    if isinstance(value, str) and _is_base64(value):
        return _of_bytes(b64decode(value))
    if isinstance(value, str | bytes):
        value = from_json(value) if value.strip() else None
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return None if value is None else _of_numbers(value)


def _is_base64(text: str) -> bool:
    """Whether a text is what floats of 4 bytes are in base64, as embedding servers send them."""
    return len(text) % 4 == 0 and bool(text) and _BASE64.fullmatch(text) is not None


def _of_bytes(content: bytes) -> bytes:
    if len(content) % _FLOAT_BYTES:
        message = f"has {len(content)} bytes, which are no floats of 4 bytes"
        raise ValueError(message)
    return np.frombuffer(content, dtype="<f4").astype(np.float32).tobytes()


def _of_numbers(value: Any) -> bytes:
    if not isinstance(value, list) or (value and isinstance(value[0], bool)):
        message = "is no list of numbers"
        raise ValueError(message)
    try:
        return array("f", value).tobytes()
    except OverflowError:
        return array("f", [_INFINITE] * len(value)).tobytes()
    except TypeError:
        return array("f", [_NAN if value is None else value for value in value]).tobytes()
