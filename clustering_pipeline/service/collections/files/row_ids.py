"""The ids of rows: those that a column holds, or made of what is in the rows."""

import uuid
from collections import Counter
from typing import Any

from pydantic_core import to_json

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.service.collections.files.block import Block
from clustering_pipeline.service.collections.files.source import DocumentId, Source

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
