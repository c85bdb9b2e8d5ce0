"""The columns of an export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import pyarrow as pa
from pydantic_core import to_json

from clustering_pipeline.stores.documents.types import Floats


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of an export: one of vectors for each feature, with its length."""

    columns: Sequence[str]
    sizes: Sequence[int]
    payload_fields: Sequence[str] | None

    @cached_property
    def schema(self) -> pa.Schema:
        """Ids and payload as text, vectors as fixed-size lists of float32."""
        texts = ("collection_id", "point_id", "document_id", "payload")
        vectors = zip(self.columns, self.sizes, strict=True)
        return pa.schema(
            [pa.field(name, pa.string(), nullable=False) for name in texts]
            + [pa.field(name, pa.list_(pa.float32(), size)) for name, size in vectors]
        )

    @property
    def row_bytes(self) -> int:
        """Bytes of the vectors of one document."""
        return 4 * sum(self.sizes)


def as_lists(matrix: Floats) -> pa.Array:
    """The rows of a contiguous matrix as a column of fixed-size lists, which shares its memory."""
    floats = pa.Array.from_buffers(pa.float32(), matrix.size, [None, pa.py_buffer(matrix)])
    return pa.FixedSizeListArray.from_arrays(floats, matrix.shape[1])


# Not by `pa.array`, which imports pandas: half a second and 56 MB.
def as_texts(values: pl.Series | Sequence[str]) -> pa.Array:
    """A column of text."""
    return pl.Series(values=values, dtype=pl.String).to_arrow().cast(pa.string())


def payload_text(payload: Mapping[str, object]) -> str:
    """A payload as JSON text with its keys in order: a server tells them in any."""
    return to_json(_ordered(payload)).decode()


def _ordered(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return list(map(_ordered, value)) if isinstance(value, list) else value
