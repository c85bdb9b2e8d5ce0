"""Tables: parquet, Arrow IPC, CSV and TSV, a batch of rows at a time, and the first sheet of a
workbook of Excel, whose first row names the columns.
"""

import csv
import io
import math
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
from pydantic_core import to_jsonable_python

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.service.collections.files.arrow_values import (
    Binaries,
    Unfit,
    Values,
    check_type,
    values,
)
from clustering_pipeline.service.collections.files.block import (
    ROWS,
    Block,
    Columns,
    Row,
    block_of_rows,
)
from clustering_pipeline.service.collections.files.json_rows import check_key
from clustering_pipeline.service.collections.files.opening import open_bytes

_CSV_BLOCK = 16 << 20
"""Bytes: a row has to fit."""
_UNFIT_PARQUET = {"INTERVAL", "BSON"}
_UNKNOWN_TO_ARROW = {pl.Int128, pl.UInt128}


def read_parquet(file: Path, columns: Columns, binaries: Binaries) -> Iterator[Block]:
    """Blocks of a parquet file."""
    with _opened_parquet(file) as content:
        for number in range(len(content.schema)):
            leaf = content.schema.column(number)
            if leaf.converted_type in _UNFIT_PARQUET:
                raise _unfit(file, leaf.path.partition(".")[0], leaf.converted_type)
        batches = _batches(file, content)
        yield from _blocks(file, content.schema_arrow, batches, columns, binaries)


def _opened_parquet(file: Path) -> pq.ParquetFile:
    try:
        # Spark's old timestamps would count nanoseconds, which reach from 1677 to 2262 alone.
        return pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
    except pa.ArrowNotImplementedError:
        # Arrow knows no such type, and tells no name.
        with file.open("rb") as content:  # by its name it would be a pattern
            types = pl.read_parquet_schema(content)
        for name, kind in types.items():
            if kind in _UNKNOWN_TO_ARROW:
                raise _unfit(file, name, str(kind)) from None
        raise


def _batches(file: Path, content: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    try:
        yield from content.iter_batches(batch_size=ROWS)
    except pa.ArrowException:
        for name in content.schema_arrow.names:
            with _naming(file, name):
                for _ in content.iter_batches(batch_size=ROWS, columns=[name]):
                    pass
        raise


def _unfit(file: Path, column: str, kind: str) -> InvalidRequest:
    message = (
        f"column {column[:60]!r} of {file} is of the type {kind}, which JSON has no form for: cast "
        "it to text"
    )
    return InvalidRequest(message)


def read_ipc(file: Path, columns: Columns, binaries: Binaries) -> Iterator[Block]:
    """Blocks of an Arrow IPC file or stream."""
    with pa.OSFile(str(file)) as content:
        schema, batches = _opened(content)
        yield from _blocks(file, schema, batches, columns, binaries)


def _opened(content: pa.NativeFile) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    try:
        source = pa_ipc.open_file(content)
    except pa.ArrowInvalid:
        content.seek(0)
        stream = pa_ipc.open_stream(content)
        return stream.schema, stream
    return source.schema, map(source.get_batch, range(source.num_record_batches))


def read_csv(file: Path, columns: Columns, binaries: Binaries, *, tabs: bool) -> Iterator[Block]:
    """Blocks of a file of separated values, all of them text; an empty cell is null."""
    names = _names_of(file, "\t" if tabs else ",")
    with open_bytes(file) as content:
        batches = pa_csv.open_csv(
            content,
            read_options=pa_csv.ReadOptions(block_size=_CSV_BLOCK),
            parse_options=pa_csv.ParseOptions(
                delimiter="\t" if tabs else ",", newlines_in_values=True
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        yield from _blocks(file, batches.schema, batches, columns, binaries)


def _names_of(file: Path, delimiter: str) -> list[str]:
    """The columns; raises InvalidRequest where quotes do not enclose a cell: Arrow drops them."""
    csv.field_size_limit(_CSV_BLOCK)
    with open_bytes(file) as content:
        text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            names: list[str] = next(rows, [])
            for _ in rows:
                pass
        except csv.Error as error:
            message = f"line {rows.line_num} of {file} is not quoted as CSV is: {error}"
            raise InvalidRequest(message) from error
    return names


def _blocks(
    file: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    columns: Columns,
    binaries: Binaries,
) -> Iterator[Block]:
    vectors = [name for name in columns.vectors if name in schema.names]
    _check_schema(file, schema, vectors)
    inner = Columns(vectors=tuple(set(columns.vectors) - set(vectors)), id=columns.id)
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS):
            part = batch.slice(start, ROWS)
            numbers = range(number + 1, number + 1 + part.num_rows)
            number += part.num_rows
            yield _block(file, numbers, part, vectors=vectors, inner=inner, binaries=binaries)


def _check_schema(file: Path, schema: pa.Schema, vectors: Iterable[str]) -> None:
    names = schema.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        message = f"{file} has more than one column {twice[0]!r}: rename one"
        raise InvalidRequest(message)
    for field in schema:
        if field.name not in vectors:
            with _naming(file, field.name):
                check_key(field.name)
                check_type(field)


def _block(
    file: Path,
    numbers: range,
    part: pa.RecordBatch,
    *,
    vectors: Iterable[str],
    inner: Columns,
    binaries: Binaries,
) -> Block:
    names = [name for name in part.schema.names if name not in vectors]
    cells = [_cells(file, name, part.column(name), binaries) for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    block = block_of_rows(file, "row", numbers, rows or [{} for _ in numbers], inner)
    own = {name: part.column(name) for name in vectors}
    return replace(block, columns=part.schema.names, vectors={**own, **block.vectors})


def _cells(file: Path, name: str, array: pa.Array, binaries: Binaries) -> Values:
    with _naming(file, name):
        return values(array, name, binaries)


@contextmanager
def _naming(file: Path, name: str) -> Generator[None]:
    """What cannot be kept is refused by its column."""
    try:
        yield
    except (pa.ArrowException, ValueError, ArithmeticError) as error:
        reason = str(error) if isinstance(error, Unfit) else f"cannot be read: {error}"
        message = f"column {name[:60]!r} of {file} {reason}"
        raise InvalidRequest(message) from error


Cells = tuple[Any, ...]


def read_workbook(file: Path, columns: Columns) -> Iterator[Block]:
    """Blocks of a workbook; an empty cell is null."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f"{file} needs openpyxl: pip install 'clustering-pipeline[excel]'"
        raise InvalidRequest(message) from error
    import pandas as pd  # noqa: PLC0415 - heavy

    with warnings.catch_warnings():
        # What openpyxl cannot keep of a workbook is how it looks.
        warnings.simplefilter("ignore")
        frame = pd.read_excel(
            file, engine="openpyxl", header=None, dtype=object, keep_default_na=False
        )
        with closing(load_workbook(file, read_only=True)) as written:
            sheet = written.worksheets[0]
            sheet.reset_dimensions()
            sources = sheet.iter_rows(values_only=True)
            rows = _rows(file, frame.itertuples(index=False, name=None), sources)
            while part := list(islice(rows, ROWS)):
                numbers = [number for number, _ in part]
                yield block_of_rows(file, "row", numbers, [row for _, row in part], columns)


def _rows(
    file: Path, cells: Iterable[Cells], sources: Iterator[Cells]
) -> Iterator[tuple[int, Row]]:
    cells = iter(cells)
    names = list(next(cells, ()))
    next(sources, None)
    while names and names[-1] == "":
        names.pop()
    if bad := [name for name in names if not isinstance(name, str) or names.count(name) > 1]:
        message = f"the first row of {file} has to name each column once, unlike {bad[0]!r}"
        raise InvalidRequest(message)
    # A row of formulas without results is none of pandas'.
    pairs = zip_longest(cells, sources, fillvalue=())
    for number, (row, written) in enumerate(pairs, start=2):
        if any(value != "" for value in row) or any(value is not None for value in written):
            yield number, _row(file, number, names, row, written)


def _row(file: Path, number: int, names: list[str], cells: Cells, written: Cells) -> Row:
    if any(value != "" for value in cells[len(names) :]):
        message = f"row {number} of {file} has a cell without a column: name it in the first row"
        raise InvalidRequest(message)
    values: Row = dict.fromkeys(names)
    for name, value, source in zip_longest(names, cells[: len(names)], written[: len(names)]):
        if value in ("", None) and source is not None:
            reason = "is a formula without its result: save the workbook in Excel"
        elif isinstance(value, float) and math.isnan(value):
            reason = f"is the error {source}: mend it"
        else:
            values[name] = None if value == "" else _stored(value)
            continue
        message = f"column {name!r} in row {number} of {file} {reason}"
        raise InvalidRequest(message)
    return values


def _stored(value: Any) -> Any:
    if isinstance(value, datetime | date | time | timedelta):
        return to_jsonable_python(value)
    return value
