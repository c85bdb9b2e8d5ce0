"""One execution as its stages see it: a frozen definition, a directory of its own, the stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.definitions.spec import ClusterSpec, mapped_fields
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.progress import Progress
from clustering_pipeline.stores.catalog.definitions.claims import active

# What a later run may read instead of making it again.
ARTIFACTS = (
    "embeddings.parquet",
    "export.json",
    "reduced.parquet",
    "reduction.json",
    "assignments.parquet",
    "fit.json",
    "relations.json",
    "identity.parquet",
    "identity.json",
    "summaries.parquet",
    "distances.parquet",
    "reference.parquet",
    "metrics.json",
    "labels.parquet",
    "texts.parquet",
    "label_errors.json",
    "labelling.json",
)


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

    def key(self, file: str) -> str:
        """Where this run writes ``file``."""
        return f"{self.execution.artifacts_prefix}/{file}"

    def uri(self, file: str) -> str:
        """The address of ``file`` outside this project."""
        return self.pipeline.artifacts.uri(self.key(file))

    def source(self, file: str) -> str:
        """Where ``file`` is read from."""
        own = self.key(file)
        if self.published is None or self.pipeline.artifacts.exists(own):
            return own
        return self.published.artifact_key(file)

    def write_frame(self, name: str, frame: pl.DataFrame) -> int:
        """Writes one parquet file whole and returns its size in bytes."""
        return self.pipeline.artifacts.write_frame(self.key(f"{name}.parquet"), frame)

    def read_frame(self, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One parquet file, all of it or some columns."""
        return self.pipeline.artifacts.read_frame(self.source(f"{name}.parquet"), columns=columns)

    def read_vectors(self, name: str, column: str) -> NDArray[np.float32]:
        """The vectors in one column of a parquet file."""
        return self.pipeline.artifacts.read_vectors(self.source(f"{name}.parquet"), column)

    def write_json(self, name: str, value: Any) -> None:
        """Writes one JSON file whole."""
        self.pipeline.artifacts.write_json(self.key(f"{name}.json"), value)

    def read_json(self, name: str) -> Any:
        """What ``write_json`` wrote."""
        return self.pipeline.artifacts.read_json(self.source(f"{name}.json"))


def target_fields(run: Run) -> list[str]:
    """The payload fields this definition writes; none when it does not enrich."""
    return mapped_fields(run.spec)
