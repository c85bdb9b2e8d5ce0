"""Which kinds of files there are, and the files of a folder."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import pyarrow as pa

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.service.collections.files.arrow_values import Binaries
from clustering_pipeline.service.collections.files.block import Block, Columns
from clustering_pipeline.service.collections.files.json_rows import read_json, read_json_lines
from clustering_pipeline.service.collections.files.opening import PACKED, is_packed, kind_of
from clustering_pipeline.service.collections.files.tables import (
    read_csv,
    read_ipc,
    read_parquet,
    read_workbook,
)

Reader = Callable[[Path, Columns, Binaries], Iterator[Block]]


def _rows(read: Callable[[Path, Columns], Iterator[Block]]) -> Reader:
    return lambda file, columns, _: read(file, columns)


_PLAIN: dict[str, Reader] = {
    ".parquet": read_parquet,
    ".arrow": read_ipc,
    ".feather": read_ipc,
    ".xlsx": _rows(read_workbook),
}
_TEXT: dict[str, Reader] = {
    ".jsonl": _rows(read_json_lines),
    ".ndjson": _rows(read_json_lines),
    ".json": _rows(read_json),
    ".csv": partial(read_csv, tabs=False),
    ".tsv": partial(read_csv, tabs=True),
}
READERS = _PLAIN | _TEXT
_HIDDEN = (".", "_")
_BROKEN = (OSError, EOFError, zlib.error, BadZipFile, pa.ArrowException, ValueError, KeyError)


def is_dear(file: Path) -> bool:
    """Whether reading a file twice takes much longer than reading it once."""
    return kind_of(file) in _TEXT or kind_of(file) == ".xlsx"


def files_of(path: Path) -> list[Path]:
    """The file itself, or the files of a folder by name; raises InvalidRequest for another kind."""
    if not path.is_dir():
        return [_known(path)]
    inside = sorted(member for member in path.iterdir() if not member.name.startswith(_HIDDEN))
    if folders := [member for member in inside if member.is_dir()]:
        message = f"{path} holds the folder {folders[0].name!r}: load each folder by itself"
        raise InvalidRequest(message)
    if not inside:
        message = f"{path} holds no files"
        raise InvalidRequest(message)
    return [_known(member) for member in inside]


def read_blocks(file: Path, columns: Columns, binaries: Binaries) -> Iterator[Block]:
    """The blocks of a file; raises InvalidRequest for one that cannot be read."""
    try:
        if not file.stat().st_size:
            message = "it is empty"
            raise EOFError(message)
        yield from READERS[kind_of(file)](file, columns, binaries)
    except _BROKEN as error:
        message = f"cannot read {file}: {' '.join(str(error).split()) or type(error).__name__}"
        raise InvalidRequest(message) from error


def _known(file: Path) -> Path:
    kind = kind_of(file)
    if kind in _TEXT or (kind in _PLAIN and not is_packed(file)):
        return file
    message = (
        f"{file} is not of a kind that can be loaded: {', '.join(_PLAIN)}, or {', '.join(_TEXT)}, "
        f"these also with {' or '.join(PACKED)}"
    )
    raise InvalidRequest(message)
