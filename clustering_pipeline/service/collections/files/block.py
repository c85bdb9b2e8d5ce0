"""Which file or folder is loaded, a block of its rows as every format yields them, and the way to
a column in a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from clustering_pipeline.model.collections import DOCUMENT_ID

ROWS = 1_000
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns that are no payload: those of vectors, and the one of ids."""

    vectors: tuple[str, ...]
    id: str | None


@dataclass(frozen=True, kw_only=True)
class Block:
    """Neighbouring rows of a file as JSON values, without their vectors.

    ``vectors`` has an entry for each vector column that the block holds: a value for every row,
    None where the row lacks it.  ``ids`` has a value for every row, None as well.
    """

    file: Path
    unit: str
    """What a row is called: ``line`` or ``row``."""
    numbers: Sequence[int]
    """Which lines or rows of the file these are, from 1."""
    columns: Sequence[str]
    """All columns there are, those of vectors included."""
    rows: list[Row]
    ids: Sequence[Any]
    vectors: Mapping[str, pa.Array | list[Any]]

    def place(self, index: int) -> str:
        """Where a row stands, as people say it."""
        return f"{self.unit} {self.numbers[index]} of {self.file}"


def block_of_rows(
    file: Path, unit: str, numbers: Sequence[int], rows: list[Row], columns: Columns
) -> Block:
    """The block of rows that still hold their vectors."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    ids = [_value(row, columns.id) for row in rows] if columns.id else [None] * len(rows)
    vectors = {}
    for column in columns.vectors:
        taken = [_take(row, column) for row in rows]
        if column in names or any(value is not None for value in taken):
            vectors[column] = taken
    return Block(
        file=file, unit=unit, numbers=numbers, columns=names, rows=rows, ids=ids, vectors=vectors
    )


def _take(row: Row, column: str) -> Any:
    """The value of a column, which the row loses; None when it has none."""
    if column in row or "." not in column:
        return row.pop(column, None)
    path, _, last = column.rpartition(".")
    parent = _value(row, path)
    return parent.pop(last, None) if isinstance(parent, dict) else _step(parent, last)


def _value(row: Row, column: str) -> Any:
    """The value of a column, or at a path like ``data.0.embedding``; None when there is none."""
    if column in row:
        return row[column]
    value: Any = row
    for step in column.split("."):
        value = _step(value, step)
    return value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


DocumentId = str | int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or a folder, and how its columns read."""

    file: Path
    vector_columns: tuple[str, ...] = ("embedding",)
    id_column: str = DOCUMENT_ID
    id_from: str | None = None
    """Instead of an id column: the column whose text ids are made of, or ``content``."""
    text_column: str | None = None
    """The column whose texts become vectors, where any do."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Column to what its texts are: a name in ``TYPES``."""
    rename: Mapping[str, str] = field(default_factory=dict)
    keep_without_vector: bool = False
    """Whether a document with NaN or infinity in a vector is stored without it."""

    @property
    def columns(self) -> Columns:
        """What a reader has to know."""
        own = None if self.id_from else self.id_column
        return Columns(vectors=self.vector_columns, id=own)
