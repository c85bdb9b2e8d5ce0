"""JSON Lines, line by line, and a JSON list of objects."""

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.json_values import MAX_DEPTH, check_text, check_whole
from clustering_pipeline.service.collections.files.block import (
    ROWS,
    Block,
    Columns,
    Row,
    block_of_rows,
)
from clustering_pipeline.service.collections.files.opening import open_bytes

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def read_json_lines(file: Path, columns: Columns) -> Iterator[Block]:
    """Blocks of a file that has an object in each line; blank lines count and hold nothing."""
    with open_bytes(file) as content:
        rows = _rows(file, "line", _objects(file, content))
        while part := list(islice(rows, ROWS)):
            yield _checked("line", file, part, columns)


def read_json(file: Path, columns: Columns) -> Iterator[Block]:
    """Blocks of a file that is one list of objects, or of JSON Lines under this name."""
    with open_bytes(file) as content:
        start = content.read(4096)
    if not start.removeprefix(_BOM).lstrip().startswith(b"["):
        yield from read_json_lines(file, columns)
        return
    with open_bytes(file) as content:
        try:
            items = from_json(content.read().removeprefix(_BOM))
        except ValueError as error:
            message = f"{file} is no JSON: {error}"
            raise InvalidRequest(message) from error
    rows = _rows(file, "item", enumerate(items, start=1))
    while part := list(islice(rows, ROWS)):
        yield _checked("item", file, part, columns)


def _objects(file: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(_BOM) if number == 1 else line
        if number == 1 and line.startswith(_WIDE):
            message = f"{file} is UTF-16: save it as UTF-8"
            raise InvalidRequest(message)
        if text.isspace() or not text:
            continue
        try:
            yield number, from_json(text)
        except ValueError as error:
            reason = str(error).replace("at line 1 column", "at character")
            message = f"line {number} of {file} is no JSON: {reason}"
            raise InvalidRequest(message) from error


def _rows(file: Path, unit: str, items: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Row]]:
    for number, item in items:
        if not isinstance(item, dict):
            message = f"{unit} {number} of {file} is no object: each {unit} is one document"
            raise InvalidRequest(message)
        yield number, item


def _checked(unit: str, file: Path, part: list[tuple[int, Row]], columns: Columns) -> Block:
    numbers = [number for number, _ in part]
    block = block_of_rows(file, unit, numbers, [row for _, row in part], columns)
    for index, row in enumerate(block.rows):
        for name, value in row.items():
            if isinstance(value, str) and "\0" not in name:
                continue
            try:
                check_key(name)
                row[name] = storable(value)
            except ValueError as error:
                message = f"field {name[:60]!r} in {block.place(index)} {error}"
                raise InvalidRequest(message) from error
    return block


def storable(value: Any, depth: int = 1) -> Any:
    """A parsed JSON value as it is stored: NaN is null; ValueError for what no store could keep."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _no_number(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return check_whole(value).__int__()
    if depth >= MAX_DEPTH:
        message = f"is nested deeper than {MAX_DEPTH} levels: flatten it"
        raise ValueError(message)
    if isinstance(value, list):
        return [storable(item, depth + 1) for item in value]
    for key in value:
        check_key(key)
    return {key: storable(item, depth + 1) for key, item in value.items()}


def check_key(key: str) -> None:
    """ValueError for a name that a field cannot have."""
    if "\0" in key:
        message = "has the character NUL in a name: take it out"
        raise ValueError(message)
    check_text(key)


def _no_number(value: float) -> None:
    if math.isinf(value):
        message = "is infinite or too large for a number: write it as text"
        raise ValueError(message)
