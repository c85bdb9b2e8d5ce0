"""One execution as its stages see it: a frozen definition, a directory of its own, the stores."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from clustering_pipeline.model.definitions.execute import RENAME
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.progress import Progress
from clustering_pipeline.pipeline.run.schema import Artifact, Page, Record, Table
from clustering_pipeline.stores.artifacts import ParquetSink
from clustering_pipeline.stores.catalog.definitions.claims import active


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Writes go to the run's own directory.

    Reads come from there too, or, for what this run did not make (a relabel, a part of the graph
    materialized by hand), from the published run: never merely from the latest one.
    """

    pipeline: Pipeline
    execution: ExecutionRecord
    spec: ClusterSpec
    published: ExecutionRecord | None
    progress: Progress

    @property
    def run_id(self) -> str:
        """The execution's id."""
        return self.execution.run_id

    @property
    def cluster_id(self) -> str:
        """The definition's id."""
        return self.execution.cluster_id

    @property
    def title(self) -> str:
        """What people call the definition."""
        return self.spec.cluster_name

    @property
    def edits(self) -> ClusterEdits:
        """What people want of the groups, as it stood when the run began."""
        return self.execution.edits or ClusterEdits()

    @property
    def only_renames(self) -> bool:
        """Whether it shows the published groups again, under the names that people gave."""
        return self.execution.plan == RENAME and self.published is not None

    @property
    def own_fields(self) -> set[str]:
        """The payload fields that runs of the definition write, their mark among them."""
        return {run_mark(self.cluster_id), *self.spec.target_fields}

    @property
    def last_stage(self) -> str:
        """The stage after which the execution is complete."""
        return "enriched_documents" if self.spec.enrich else "published"

    @property
    def shown(self) -> ExecutionRecord:
        """The execution whose results readers see; this one before anything is published."""
        return self.published or self.execution

    def check(self) -> None:
        """Raises StateConflict when the definition is no longer this run's to write for.

        It was cancelled, or declared dead; another run may hold the definition by now.
        """
        claim = active(self.pipeline.catalog.clusters.by_id(self.cluster_id)).claim
        if claim is None or claim.run_id != self.run_id:
            message = f"{self.run_id} no longer holds {self.title!r}: it was cancelled or replaced"
            raise StateConflict(message)

    def record(self, **changes: Any) -> None:
        """Notes what is known by now in the execution's record."""
        self.pipeline.catalog.executions.update(self.run_id, **changes)

    def key(self, artifact: Artifact) -> str:
        """Where this run writes a file."""
        return f"{self.execution.artifacts_prefix}/{artifact.file}"

    def uri(self, artifact: Artifact) -> str:
        """The address of the file outside this project."""
        return self.pipeline.artifacts.uri(self.key(artifact))

    def is_own(self, artifact: Artifact) -> bool:
        """Whether the file is read from this run's directory."""
        return self.published is None or self.pipeline.artifacts.exists(self.key(artifact))

    def source(self, artifact: Artifact) -> str:
        """Where the file is read from."""
        if self.published is None or self.is_own(artifact):
            return self.key(artifact)
        return self.published.artifact_key(artifact.file)

    def has(self, artifact: Artifact) -> bool:
        """Whether the file can be read."""
        return self.pipeline.artifacts.exists(self.source(artifact))

    def open_writer(self, table: Table, schema: pa.Schema) -> AbstractContextManager[ParquetSink]:
        """The table's file to write page by page."""
        table.check(pl.DataFrame(schema.empty_table()))
        return self.pipeline.artifacts.open_writer(self.key(table), schema)

    def write_frame(self, table: Table, frame: pl.DataFrame) -> int:
        """Writes one parquet file whole and returns its size in bytes."""
        table.check(frame)
        return self.pipeline.artifacts.write_frame(self.key(table), frame)

    def read_frame(self, table: Table, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One parquet file, all of it or some columns."""
        return table.read_at(self.pipeline.artifacts, self.source(table), columns)

    def read_vectors(self, table: Table, column: str) -> NDArray[np.float32]:
        """The vectors in one column of a parquet file."""
        return self.pipeline.artifacts.read_vectors(self.source(table), column)

    def write_json(self, record: Record, value: Any) -> None:
        """Writes one JSON file whole."""
        record.check(value)
        self.pipeline.artifacts.write_json(self.key(record), value)

    def write_page(self, page: Page, content: bytes) -> None:
        """Writes a page for people."""
        self.pipeline.artifacts.write_bytes(self.key(page), content)

    def read_json(self, record: Record) -> Any:
        """What ``write_json`` wrote."""
        return self.pipeline.artifacts.read_json(self.source(record))
