"""The documents of a file or a folder, looked at whole before the first of them is handed out."""

import pickle
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from clustering_pipeline.model.collections import DOCUMENT_ID
from clustering_pipeline.model.errors import InvalidRequest, InvalidVectors
from clustering_pipeline.service.collections.files.arrow_values import Binaries
from clustering_pipeline.service.collections.files.block import Block, DocumentId, Row, Source
from clustering_pipeline.service.collections.files.first_look import Seen
from clustering_pipeline.service.collections.files.kinds import (
    files_of,
    is_dear,
    partition_of,
    read_blocks,
)
from clustering_pipeline.service.collections.files.stated_types import state_types
from clustering_pipeline.service.collections.files.vectors import NoVector, Vectors, read_vectors

Read = tuple[Block, Mapping[str, Vectors]]


@dataclass(kw_only=True)
class Spool:
    """A file that ends with its process; where the disk is full there is none, and no harm."""

    whole: bool = False
    """Whether all blocks are in it."""
    _file: IO[bytes] | None = field(default_factory=TemporaryFile)
    _count: int = 0

    def add(self, read: Read) -> None:
        """Keep one more block."""
        if self._file is None:
            return
        try:
            pickle.dump(read, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._count += 1
        except OSError:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def end(self) -> None:
        """No block comes any more."""
        self.whole = self._file is not None

    def blocks(self) -> Iterator[Read]:
        """All blocks, in their order."""
        assert self._file is not None  # noqa: S101 - whole
        self._file.seek(0)
        for _ in range(self._count):
            yield cast("Read", pickle.load(self._file))  # noqa: S301 - what this process wrote


Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Document:
    """One row as it is stored."""

    id: DocumentId
    payload: Row
    vectors: dict[str, Floats]


class FileDocuments:
    """What a source holds; raises InvalidRequest or InvalidVectors where any of it cannot be kept.

    ``rows`` counts its documents, ``sizes`` tells the length of each vector by its name.  Close it.
    """

    def __init__(self, source: Source):
        self._source = source
        self._files = files_of(source.file)
        self._binaries: Binaries = {}
        self._spool = Spool() if any(map(is_dear, self._files)) else None
        try:
            seen = self._look()
            self._names = {column: _vector_name(column, seen) for column in source.vector_columns}
            self.sizes = {
                self._names[column]: seen.size(source, column) for column in source.vector_columns
            }
        except BaseException:
            self.close()
            raise
        self.rows = seen.rows

    def close(self) -> None:
        """Let go of what the first look left for the second."""
        if self._spool is not None:
            self._spool.close()

    def parts(self) -> Iterator[list[Document]]:
        """All documents, a block at a time."""
        makers = RowIds(self._source)
        for block, vectors in self._blocks():
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

    def _blocks(self) -> Iterator[Read]:
        if self._spool is not None and self._spool.whole:
            yield from self._spool.blocks()
            return
        for file in self._files:
            partition = partition_of(file, self._source.file)
            for plain in read_blocks(file, self._source.columns, self._binaries):
                block = _parted(plain, partition)
                state_types(block, self._source.types)
                if self._source.id_column in self._source.types and self._source.id_from is None:
                    ids = [row.get(self._source.id_column) for row in block.rows]
                    block = replace(block, ids=ids)
                vectors = self._vectors(block)
                yield replace(block, vectors={}), vectors

    def _look(self) -> Seen:
        seen, makers = Seen(), RowIds(self._source)
        for block, vectors in self._blocks():
            if self._spool is not None:
                self._spool.add((block, vectors))
            seen.rows += len(block.rows)
            seen.columns.update(dict.fromkeys(block.columns))
            ids = makers.of(block)
            self._look_at_ids(seen, block, ids)
            for column, read in vectors.items():
                seen.lengths.setdefault(column, set()).update(np.unique(read.lengths).tolist())
                seen.broken += [
                    block.place(index) if ids[index] is None else ids[index]
                    for index in np.flatnonzero(read.broken())
                ]
        if self._spool is not None:
            self._spool.end()
        seen.judge(self._source)
        return seen

    def _look_at_ids(self, seen: Seen, block: Block, ids: list[DocumentId | None]) -> None:
        for index, document_id in enumerate(ids):
            if document_id is None:
                seen.missing_ids += 1
                continue
            seen.has_ids = True
            if self._source.rename or DOCUMENT_ID in block.rows[index]:
                self._payload(block, index, document_id)
            text = str(document_id)
            if text in seen.ids:
                seen.repeated.append(f"{text[:60]!r} in {block.place(index)}")
            seen.ids.add(text)

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


def _parted(block: Block, partition: Mapping[str, str | None]) -> Block:
    """The block with what its folders say; InvalidRequest where a row says otherwise."""
    for index, row in enumerate(block.rows) if partition else ():
        for name, value in partition.items():
            if row.setdefault(name, value) != value and str(row[name]) != value:
                message = (
                    f"column {name[:60]!r} in {block.place(index)} is not what its folder says"
                )
                raise InvalidRequest(message)
    return replace(block, columns=list(dict.fromkeys([*block.columns, *partition])))


def _given(document_id: DocumentId | None) -> DocumentId:
    if document_id is None:
        message = "the file was changed while it was loaded: load it again"
        raise InvalidRequest(message)
    return document_id


def _vector_name(column: str, seen: Seen) -> str:
    """``embedding`` for a path like ``data.0.embedding``."""
    return column if column in seen.columns else column.rpartition(".")[2]


CONTENT = "content"
"""Ids made of all that a row holds but its vectors."""
_LONGEST_ID = 500
_MADE = uuid.UUID("6f0f2a52-9b1f-4b4e-8f57-0d1f6f6b9e21")


class RowIds:
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
