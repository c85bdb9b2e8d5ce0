"""Workbooks of Excel: the first sheet, whose first row names the columns."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.service.collections.files.block import (
    ROWS,
    Block,
    Columns,
    Row,
    block_of_rows,
)

Cells = tuple[Any, ...]


def read_workbook(file: Path, columns: Columns) -> Iterator[Block]:
    """Blocks of a workbook; an empty cell is null."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f"{file} needs openpyxl: pip install 'clustering-pipeline[excel]'"
        raise InvalidRequest(message) from error
    with (
        closing(load_workbook(file, read_only=True, data_only=True)) as book,
        closing(load_workbook(file, read_only=True)) as written,
    ):
        cells = book.worksheets[0].iter_rows()
        formulas = written.worksheets[0].iter_rows(values_only=True)
        rows = _rows(file, cells, formulas)
        while part := list(islice(rows, ROWS)):
            numbers = [number for number, _ in part]
            yield block_of_rows(file, "row", numbers, [row for _, row in part], columns)


def _rows(
    file: Path, cells: Iterator[Cells], formulas: Iterator[Cells]
) -> Iterator[tuple[int, Row]]:
    names = [cell.value for cell in next(cells, ())]
    next(formulas, None)
    while names and names[-1] is None:
        names.pop()
    if bad := [name for name in names if not isinstance(name, str) or names.count(name) > 1]:
        message = f"the first row of {file} has to name each column once, unlike {bad[0]!r}"
        raise InvalidRequest(message)
    for number, (row, written) in enumerate(zip(cells, formulas, strict=False), start=2):
        if any(cell.value is not None for cell in row) or any(
            value is not None for value in written
        ):
            yield number, _row(file, number, names, row, written)


def _row(file: Path, number: int, names: list[str], cells: Cells, written: Cells) -> Row:
    if any(cell.value is not None for cell in cells[len(names) :]):
        message = f"row {number} of {file} has a cell without a column: name it in the first row"
        raise InvalidRequest(message)
    values: Row = dict.fromkeys(names)
    for name, cell, source in zip(names, cells, written, strict=False):
        if cell.value is None and source is not None:
            reason = "is a formula without its result: save the workbook in Excel"
        elif getattr(cell, "data_type", "n") == "e":
            reason = f"is the error {cell.value}: mend it"
        else:
            values[name] = _stored(cell.value)
            continue
        message = f"column {name!r} in row {number} of {file} {reason}"
        raise InvalidRequest(message)
    return values


def _stored(value: Any) -> Any:
    if isinstance(value, datetime | date | time | timedelta):
        return to_jsonable_python(value)
    return value
