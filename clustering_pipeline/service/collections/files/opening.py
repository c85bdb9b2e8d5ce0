"""Bytes of a file, decompressed on the way."""

import gzip
import io
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

PACKED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}


def kind_of(file: Path) -> str:
    """What a file is by its name, without the ending of its compression: ``.jsonl``."""
    inner = Path(file.stem) if file.suffix.lower() in PACKED else file
    return inner.suffix.lower()


def name_of(file: Path) -> str:
    """Its name without endings: ``talks`` for ``talks.jsonl.gz``."""
    return Path(file.stem).stem if is_packed(file) else file.stem


def is_packed(file: Path) -> bool:
    """Whether its name says that it is compressed as a whole."""
    return file.suffix.lower() in PACKED


def open_bytes(file: Path) -> BinaryIO:
    """The bytes of a file as they were before it was compressed."""
    packed = PACKED.get(file.suffix.lower())
    if packed == "gzip":
        return cast("BinaryIO", gzip.open(file))
    if packed is None:
        return file.open("rb", buffering=1 << 20)
    content = io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(file)), packed), 1 << 20)
    return cast("BinaryIO", content)
