"""The documents of a file or a folder, looked at whole before the first of them is handed out."""

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json, to_json

from clustering_pipeline.model.collections.documents import DOCUMENT_ID
from clustering_pipeline.model.errors import InvalidRequest, InvalidVectors
from clustering_pipeline.model.ids import point_id_of
from clustering_pipeline.model.json_values import check_whole
from clustering_pipeline.service.collections.files.arrow_values import Binaries
from clustering_pipeline.service.collections.files.block import Block, Columns, Row
from clustering_pipeline.service.collections.files.json_rows import storable
from clustering_pipeline.service.collections.files.kinds import files_of, read_blocks
from clustering_pipeline.service.collections.files.vectors import NoVector, Vectors, read_vectors

CONTENT = "content"
"""Ids made of all that a row holds but its vectors."""
_NAMED = 10
_LONGEST_ID = 500
_MADE = uuid.UUID("6f0f2a52-9b1f-4b4e-8f57-0d1f6f6b9e21")
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

Floats = NDArray[np.float32]
DocumentId = str | int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or a folder, and how its columns read."""

    file: Path
    vector_columns: tuple[str, ...] = ("embedding",)
    id_column: str = DOCUMENT_ID
    id_from: str | None = None
    """Instead of an id column: the column whose text ids are made of, or ``content``."""
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


@dataclass(frozen=True, kw_only=True)
class Document:
    """One row as it is stored."""

    id: DocumentId
    payload: Row
    vectors: dict[str, Floats]


@dataclass(kw_only=True)
class _Seen:
    """What a first look at all rows has told."""

    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    lengths: dict[str, set[int]] = field(default_factory=dict)
    broken: list[DocumentId] = field(default_factory=list)
    missing_ids: int = 0
    has_ids: bool = False
    points: set[DocumentId] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)


class FileDocuments:
    """What a source holds; raises InvalidRequest or InvalidVectors where any of it cannot be kept.

    ``rows`` counts its documents, ``sizes`` tells the length of each vector by its name.
    """

    def __init__(self, source: Source):
        self._source = source
        self._files = files_of(source.file)
        self._binaries: Binaries = {}
        seen = self._look()
        self.rows = seen.rows
        self._names = {column: _vector_name(column, seen) for column in source.vector_columns}
        self.sizes = {
            self._names[column]: self._size(seen, column) for column in source.vector_columns
        }

    def parts(self) -> Iterator[list[Document]]:
        """All documents, a block at a time."""
        makers = _Ids(self._source)
        for block in self._blocks():
            vectors = self._vectors(block)
            rows = {self._names[name]: read.rows() for name, read in vectors.items()}
            broken = {self._names[name]: read.broken() for name, read in vectors.items()}
            yield [
                Document(
                    id=document_id,
                    payload=self._payload(block, index, document_id),
                    vectors={
                        name: vector
                        for name, of_rows in rows.items()
                        if (vector := of_rows[index]) is not None and not broken[name][index]
                    },
                )
                for index, document_id in enumerate(map(_given, makers.of(block)))
            ]

    def _blocks(self) -> Iterator[Block]:
        for file in self._files:
            for block in read_blocks(file, self._source.columns, self._binaries):
                _state_types(block, self._source.types)
                yield block

    def _look(self) -> _Seen:
        seen, makers = _Seen(), _Ids(self._source)
        for block in self._blocks():
            seen.rows += len(block.rows)
            seen.columns.update(dict.fromkeys(block.columns))
            ids = makers.of(block)
            self._look_at_ids(seen, block, ids)
            for column, read in self._vectors(block).items():
                seen.lengths.setdefault(column, set()).update(np.unique(read.lengths).tolist())
                seen.broken += [
                    block.place(index) if ids[index] is None else ids[index]
                    for index in np.flatnonzero(read.broken())
                ]
        self._judge(seen)
        return seen

    def _look_at_ids(self, seen: _Seen, block: Block, ids: list[DocumentId | None]) -> None:
        for index, document_id in enumerate(ids):
            if document_id is None:
                seen.missing_ids += 1
                continue
            seen.has_ids = True
            self._payload(block, index, document_id)
            point = point_id_of(document_id)
            if point in seen.points:
                seen.repeated.append(f"{str(document_id)[:60]!r} in {block.place(index)}")
            seen.points.add(point)

    def _judge(self, seen: _Seen) -> None:
        source = self._source
        if not seen.rows:
            message = f"{source.file} holds no documents"
            raise InvalidRequest(message)
        asked = [] if source.id_from or seen.has_ids else [source.id_column]
        for column in [*(set(source.vector_columns) - seen.lengths.keys()), *asked]:
            if column not in seen.columns:
                names = ", ".join(seen.columns)
                message = f"{source.file} has no column {column!r}; it has: {names}"
                raise InvalidRequest(message)
        if unknown := sorted({*source.types, *source.rename} - seen.columns.keys()):
            message = (
                f"{source.file} has no column {unknown[0]!r}; it has: {', '.join(seen.columns)}"
            )
            raise InvalidRequest(message)
        if seen.missing_ids:
            message = (
                f"{seen.missing_ids} rows of {source.file} have no {source.id_column!r}: give them "
                "one, or make ids of what rows hold by --id-from"
            )
            raise InvalidRequest(message)
        if seen.repeated:
            message = (
                f"{len(seen.repeated)} rows of {source.file} repeat a {source.id_column!r}, and "
                f"ids name documents: {', '.join(seen.repeated[:_NAMED])}"
            )
            raise InvalidRequest(message)
        if seen.broken and not source.keep_without_vector:
            names = ", ".join(map(repr, seen.broken[:_NAMED]))
            message = (
                f"{len(seen.broken)} rows of {source.file} have a vector with NaN, infinity or a "
                f"missing number: {names}; mend them, or load with --keep-without-vector"
            )
            details = {"document_ids": list(map(str, seen.broken[:_NAMED]))}
            raise InvalidVectors(message, details=details)

    def _size(self, seen: _Seen, column: str) -> int:
        lengths = sorted(seen.lengths.get(column, set()) - {-1})
        if len(lengths) == 1 and lengths[0] > 0:
            return lengths[0]
        kinds = f"vectors of lengths {', '.join(map(str, lengths))}" if lengths else "no vectors"
        message = f"column {column!r} of {self._source.file} holds {kinds}"
        raise InvalidVectors(message)

    def _vectors(self, block: Block) -> dict[str, Vectors]:
        read = {}
        for column, values in block.vectors.items():
            try:
                read[column] = read_vectors(values)
            except NoVector as error:
                message = (
                    f"column {column!r} of {self._source.file} holds no vectors: the value in "
                    f"{block.place(error.index)} {error}"
                )
                raise InvalidVectors(message) from error
        return read

    def _payload(self, block: Block, index: int, document_id: DocumentId) -> Row:
        """What is stored of a row; InvalidRequest where a column would hide another."""
        row, rename = block.rows[index], self._source.rename
        if rename:
            row = {rename.get(name, name): value for name, value in row.items()}
        if len(row) < len(block.rows[index]):
            message = f"{block.place(index)} has a column that another is renamed to"
            raise InvalidRequest(message)
        other = row.get(DOCUMENT_ID)
        if other is not None and other != document_id:
            message = (
                f"column {DOCUMENT_ID!r} in {block.place(index)} is another id than "
                f"{document_id!r}, and documents go by that name: load it under another one by "
                f"--rename {DOCUMENT_ID}=NAME"
            )
            raise InvalidRequest(message)
        return {**row, DOCUMENT_ID: document_id}


def _given(document_id: DocumentId | None) -> DocumentId:
    if document_id is None:
        message = "the file was changed while it was loaded: load it again"
        raise InvalidRequest(message)
    return document_id


def _vector_name(column: str, seen: _Seen) -> str:
    """``embedding`` for a path like ``data.0.embedding``."""
    return column if column in seen.columns else column.rpartition(".")[2]


class _Ids:
    """The ids of rows, in their order."""

    def __init__(self, source: Source):
        self._source = source
        self._copies: Counter[bytes] = Counter()

    def of(self, block: Block) -> list[DocumentId | None]:
        """None where a row has none."""
        if self._source.id_from is not None:
            return [self._made(block, index) for index in range(len(block.rows))]
        return [self._own(block, index, value) for index, value in enumerate(block.ids)]

    def _own(self, block: Block, index: int, value: Any) -> DocumentId | None:
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            reason = f"holds {str(value)[:60]}: ids are text, whole numbers or UUIDs"
        elif len(str(value)) > _LONGEST_ID:
            reason = f"holds an id of more than {_LONGEST_ID} characters: shorten it"
        else:
            return value
        message = f"column {self._source.id_column!r} in {block.place(index)} {reason}"
        raise InvalidRequest(message)

    def _made(self, block: Block, index: int) -> DocumentId | None:
        row, column = block.rows[index], self._source.id_from
        if column in row:
            content = row[column]
        elif column == CONTENT:
            content = dict(sorted(row.items()))
        else:
            content = None
        if content is None:
            message = f"{block.place(index)} has no {column!r} to make an id of"
            raise InvalidRequest(message)
        # Rows that are alike are told apart by their order: which of them is which does not matter.
        digest = uuid.uuid5(_MADE, to_json(content).decode())
        copy = self._copies[digest.bytes]
        self._copies[digest.bytes] += 1
        return str(uuid.uuid5(digest, str(copy)) if copy else digest)


def _state_types(block: Block, types: Mapping[str, str]) -> None:
    """Texts become what their columns were stated to hold."""
    for column, name in types.items():
        for index, row in enumerate(block.rows):
            text = row.get(column)
            if not isinstance(text, str):
                continue
            try:
                row[column] = TYPES[name](text.strip() if name != "text" else text)
            except (ValueError, KeyError):
                place = block.place(index)
                message = f"column {column!r} in {place} holds {text[:60]!r}, which is no {name}"
                raise InvalidRequest(message) from None


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return check_whole(int(text))


TYPES: dict[str, Callable[[str], Any]] = {
    "text": str,
    "int": _whole,
    "float": lambda text: storable(float(text)),
    "bool": lambda text: _FLAGS[text.lower()],
    "json": lambda text: storable(from_json(text)),
}
