"""The members of a run as a file that is made while it is sent."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import polars as pl
import pyarrow.parquet as pq

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import is_within
from clustering_pipeline.service.results.groups import named_now, names_of

ROWS = 10_000
Format = Literal["parquet", "csv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What of a run is sent: its members, those of one group or all of them."""

    frame: pl.LazyFrame
    rows: int
    run_id: str

    def pages(self) -> Iterator[pl.DataFrame]:
        """The rows in order, a page at a time; one empty page when there are none."""
        yield self.frame.slice(0, ROWS).collect()
        for start in range(ROWS, self.rows, ROWS):
            yield self.frame.slice(start, ROWS).collect()

    def chunks(self, form: Format) -> Iterator[bytes]:
        """The file, in pieces."""
        yield from self._csv() if form == "csv" else self._parquet()

    def _csv(self) -> Iterator[bytes]:
        for number, page in enumerate(self.pages()):
            flat = page.with_columns(pl.col(pl.List(pl.String)).list.join("; "))
            yield flat.write_csv(include_header=number == 0).encode()

    def _parquet(self) -> Iterator[bytes]:
        sink = _Sent()
        writer: pq.ParquetWriter | None = None
        for page in self.pages():
            table = page.to_arrow()
            writer = writer or pq.ParquetWriter(sink, table.schema, compression="zstd")
            writer.write_table(table)
            yield sink.taken()
        if writer is not None:
            writer.close()
        yield sink.taken()


def export(pipeline: Pipeline, execution: ExecutionRecord, *, group: str | None = None) -> Export:
    """The members of a finished execution, labels as people last named them.

    ``group`` is an id or a label.  Raises InvalidRequest for one that the run does not have,
    ArtifactNotFound when its files are gone.
    """
    frame = pipeline.artifacts.scan(execution.members_key or "").with_columns(
        named_now(execution, "cluster_label")
    )
    if group is not None:
        frame = frame.filter(pl.any_horizontal(map(is_within, _chosen(execution, group))))
    rows = frame.select(pl.len()).collect().item()
    return Export(frame=frame, rows=rows, run_id=execution.run_id)


def groups_table(pipeline: Pipeline, execution: ExecutionRecord) -> pl.DataFrame:
    """The groups of a finished execution, under the labels that people last gave them."""
    table = CLUSTERS.read(pipeline.artifacts, execution)
    return table.with_columns(named_now(execution, "label"))


def _chosen(execution: ExecutionRecord, given: str) -> list[str]:
    """An id first; several groups may share a label."""
    names = names_of(execution)
    if given in names:
        return [given]
    groups = [group for group, label in names.items() if label == given]
    if not groups:
        message = (
            f"{execution.run_id} has no group {given[:200]!r}, by id or label: list its groups"
        )
        raise InvalidRequest(message)
    return groups


class _Sent(io.RawIOBase):
    """A file that forgets what was read from it, and only knows how long it has become."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = bytearray()
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        size = memoryview(data).nbytes  # ty: ignore[invalid-argument-type]
        self._pending += memoryview(data)  # ty: ignore[invalid-argument-type]
        self._length += size
        return size

    def tell(self) -> int:
        return self._length

    def taken(self) -> bytes:
        """What was written since the last time."""
        chunk = bytes(self._pending)
        self._pending.clear()
        return chunk
