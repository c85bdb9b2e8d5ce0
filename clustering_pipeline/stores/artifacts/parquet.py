"""Parquet written page by page."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


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
