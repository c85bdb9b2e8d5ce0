"""Which kinds of files there are, and the files of a folder."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote
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
_DELTA = "_delta_log"
_NULL = "__HIVE_DEFAULT_PARTITION__"
_BROKEN = (OSError, EOFError, zlib.error, BadZipFile, pa.ArrowException, ValueError, KeyError)


def is_dear(file: Path) -> bool:
    """Whether reading a file twice takes much longer than reading it once."""
    return kind_of(file) in _TEXT or kind_of(file) == ".xlsx"


def files_of(path: Path) -> list[Path]:
    """The file itself, or those of a folder and of all folders in it, by name.

    What is hidden (``.`` or ``_`` in front) is left out.  Raises InvalidRequest for another kind.
    """
    if not path.is_dir():
        return [_known(path)]
    inside = list(_inside(path, frozenset()))
    if not inside:
        message = f"{path} holds no files"
        raise InvalidRequest(message)
    return [_known(member) for member in inside]


def _inside(folder: Path, outer: frozenset[Path]) -> Iterator[Path]:
    place = folder.resolve()
    if place in outer:
        message = f"{folder} is a link to a folder that it lies in: take it out"
        raise InvalidRequest(message)
    if (folder / _DELTA).is_dir():
        message = (
            f"{folder} is a Delta table, whose files hold deleted rows too: export it as parquet"
        )
        raise InvalidRequest(message)
    for member in sorted(folder.iterdir()):
        if member.name.startswith(_HIDDEN):
            continue
        if member.is_dir():
            yield from _inside(member, outer | {place})
        else:
            yield member


def partition_of(file: Path, root: Path) -> dict[str, str | None]:
    """What the folders of a file say of all its rows: ``year=2026`` is such a name."""
    folders = file.parent.relative_to(root).parts if root != file else ()
    named = [folder.partition("=") for folder in folders]
    return {
        unquote(name): None if value == _NULL else unquote(value)
        for name, equals, value in named
        if name and equals
    }


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
