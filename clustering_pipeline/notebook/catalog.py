"""The stored definitions and what they found, as data frames in a notebook."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import RunFailed
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_details import GroupDetails
from clustering_pipeline.model.listing import ListClustersRequest
from clustering_pipeline.model.periods import Every
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.notebook.frames import Library, frame_of
from clustering_pipeline.notebook.topics import Topics
from clustering_pipeline.pipeline.run.columns import vector_series
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.service.executions.launch import follow, launch
from clustering_pipeline.service.results.documents import results_of
from clustering_pipeline.service.results.export import groups_table
from clustering_pipeline.service.results.group import group_details
from clustering_pipeline.service.results.members import members_table
from clustering_pipeline.service.results.search import find_groups
from clustering_pipeline.service.results.timeline import timeline, timeline_of_runs
from clustering_pipeline.settings import Settings

VECTOR = "embedding"
FEATURE_URI = f"mixpeek://text@v1/{VECTOR}"
_LISTED = ("cluster_id", "cluster_name", "algorithm", "status", "num_clusters", "last_run_id")
_PAGE = 1_000


@dataclass(frozen=True, kw_only=True)
class OpenCatalog:
    """The catalog that the environment describes, open: definitions, runs and their groups.

    ``cluster`` is a definition's id or name.  Every method raises what the command line says in a
    sentence: ClusterNotFound, StateConflict before the first run, GroupNotFound, InvalidRequest.
    """

    pipeline: Pipeline
    settings: Settings
    scope: Scope = LOCAL
    frames: Library = "pandas"

    def clusters(self) -> Any:
        """The stored definitions, newest first."""
        request, rows, cursor = ListClustersRequest(limit=_PAGE), [], None
        while True:
            page = self.pipeline.catalog.clusters.list(
                self.scope, request.model_copy(update={"cursor": cursor})
            )
            rows += [one.model_dump(mode="json", include=set(_LISTED)) for one in page.results]
            cursor = page.pagination.next_cursor
            if cursor is None:
                return self._frame(pl.DataFrame(rows, infer_schema_length=None))

    def groups(self, cluster: str, *, run_id: str | None = None) -> Any:
        """The groups of the published run, or of another, largest first."""
        _, execution = results_of(self.pipeline, self.scope, cluster, run_id)
        return self._frame(groups_table(self.pipeline, execution))

    def group(self, cluster: str, group: str, *, run_id: str | None = None) -> GroupDetails:
        """One group, by id, uid or label: its texts, neighbours, fields and history."""
        return group_details(self.pipeline, self.scope, cluster, group, run_id=run_id)

    def members(
        self,
        cluster: str,
        *,
        group: str | None = None,
        fields: Sequence[str] | None = None,
        run_id: str | None = None,
    ) -> Any:
        """The documents of a run or a group, with the fields of their payloads."""
        table = members_table(
            self.pipeline, self.scope, cluster, group=group, fields=fields, run_id=run_id
        )
        return self._frame(table)

    def find(self, cluster: str, query: str, *, limit: int = 10) -> Any:
        """The groups that a query means, best first."""
        answer = find_groups(self.pipeline, self.scope, cluster, query, limit=limit)
        return self._frame(pl.DataFrame([group.model_dump() for group in answer.results]))

    def timeline(self, cluster: str, by: str | None = None, *, every: Every = "month") -> Any:
        """A row a period (or a run, without ``by``), a column a group: documents."""
        given = self.pipeline, self.scope, cluster
        answer = timeline_of_runs(*given) if by is None else timeline(*given, by, every=every)
        columns = {
            f"{group.label} ({group.cluster_id or group.group_uid})": group.counts
            for group in answer.groups
        }
        return self._frame(pl.DataFrame({"period": answer.periods, **columns}))

    def execute(self, cluster: str, *, mode: str = "full") -> ExecutionRecord:
        """Runs a definition and waits for its end; an interrupt cancels the run.

        Raises RunFailed with the reason.
        """
        from clustering_pipeline.defs.instance.queue_launcher import launcher_of  # noqa: PLC0415 - Dagster

        request = validate(ExecuteClusterByIdRequest, {"mode": mode})
        catalog = self.pipeline.catalog
        launcher = launcher_of(self.settings, self.pipeline)
        launched = launch(launcher, catalog, self.scope, cluster, request)
        execution = follow(launched, catalog, _unseen)
        if execution.status is not ExecutionStatus.COMPLETED:
            raise RunFailed(execution.whole_error or f"{execution.run_id} was cancelled")
        return execution

    def store(self, topics: Topics, collection: str, *, name: str | None = None) -> str:
        """Loads texts, vectors and metadata into a collection, and stores a definition that groups
        them as ``topics`` were; answers its id.

        Documents are known by the metadata's ``document_id`` or ``id``, else by their content: what
        is there already is replaced, and so is a definition of that name.
        """
        with TemporaryDirectory() as folder:
            file = Path(folder) / "notebook.parquet"
            frame = pl.DataFrame({"text": topics.texts}).hstack(topics.metadata)
            frame.with_columns(vector_series(VECTOR, topics.vectors)).write_parquet(file)
            request = Load(file=file, collection_name=collection)
            own = _id_column(topics)
            request = replace(request, **({"id_column": own} if own else {"id_from": "content"}))
            record = load(self.pipeline, self.scope, request)
        how = topics.record
        definition = {
            "cluster_name": name or collection,
            "collection_ids": [record.collection_id],
            "vector_config": {
                "feature_uri": next(iter(record.vectors), FEATURE_URI),
                "clustering_method": how["method"],
                "algorithm_params": dict(how["params"]),
                "preprocessing_steps": list(how["steps"]) or None,
                "sample_size": how["sample_size"],
            },
            "llm_labeling": {"stop_words": list(how["stop_words"])} if how["stop_words"] else None,
        }
        stored = validate(CreateClusterRequest, definition)
        return self.pipeline.catalog.clusters.apply(self.scope, stored).cluster_id

    def _frame(self, frame: pl.DataFrame) -> Any:
        return frame_of(frame, self.frames)


def _id_column(topics: Topics) -> str | None:
    columns = topics.metadata.columns
    return next((name for name in ("document_id", "id") if name in columns), None)


def _unseen(_execution: ExecutionRecord) -> None:
    """Nobody watches."""


@contextmanager
def open_catalog(
    settings: Settings | None = None, *, frames: Library = "pandas"
) -> Generator[OpenCatalog]:
    """Opens the stores that the environment describes, the embedded ones where it is silent."""
    settings = settings or Settings()
    with open_pipeline(settings) as pipeline:
        yield OpenCatalog(pipeline=pipeline, settings=settings, frames=frames)
