"""Parquet written page by page, and the vectors in it as a matrix."""

from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_READERS = 2


class ParquetSink:
    """Rows go in a page at a time and reach the disk; nothing is kept but the open row group."""

    def __init__(self, path: Path, schema: pa.Schema):
        self.schema = schema
        self.rows = 0
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression=_compression(schema),
            compression_level=None,
            use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
            write_statistics=[f.name for f in schema if not pa.types.is_fixed_size_list(f.type)],
        )

    def write(self, page: pa.Table | pa.RecordBatch) -> None:
        """Append one page as a row group; its columns are those of the schema, in order."""
        self.rows += page.num_rows
        if isinstance(page, pa.RecordBatch):
            self._writer.write_batch(page)
        else:
            self._writer.write_table(page)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def _compression(schema: pa.Schema) -> dict[str, str]:
    # Floats of an embedding do not compress: trying costs more than reading them does.
    return {
        _column(field): "none" if pa.types.is_fixed_size_list(field.type) else "zstd"
        for field in schema
    }


def _column(field: pa.Field) -> str:
    name = str(field.name)
    return f"{name}.list.element" if pa.types.is_fixed_size_list(field.type) else name


def read_matrix(path: Path, column: str) -> NDArray[np.float32] | None:
    """(n, d) numbers of a column of fixed-size lists; None when it is another.

    They are in memory once, beside one row group a thread.
    """
    with pq.ParquetFile(path, memory_map=True) as file:
        facts, kind = file.metadata, file.schema_arrow.field(column).type
    if not pa.types.is_fixed_size_list(kind):
        return None
    matrix = np.empty((facts.num_rows, kind.list_size), dtype=np.float32)

    def fill(group: int, start: int) -> None:
        with pq.ParquetFile(path, memory_map=True, metadata=facts) as file:
            for batch in file.iter_batches(row_groups=[group], columns=[column], use_threads=False):
                matrix[start : start + len(batch)] = _floats(batch.column(0), kind.list_size)
                start += len(batch)

    sizes = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
    starts = list(accumulate(sizes, initial=0))[:-1]
    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(fill, range(len(sizes)), starts))
    return matrix


def _floats(lists: pa.FixedSizeListArray, size: int) -> NDArray[np.float32]:
    return lists.flatten().to_numpy().reshape(len(lists), size)
