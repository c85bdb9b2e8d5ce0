"""Clusters once without a stored definition: the stages of the graph, in this process."""

import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest, check_available
from clustering_pipeline.model.definitions.one_shot import (
    ClusterCentroid,
    ClusterMember,
    ExecuteClusterRequest,
    ExecuteClusterResponse,
)
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import DoesNotFit
from clustering_pipeline.model.executions.execution import EVENTS, ExecutionRecord
from clustering_pipeline.model.ids import new_id, run_id_of, task_id_of
from clustering_pipeline.model.progress import Check
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.publishing.execution_record import result_fields
from clustering_pipeline.pipeline.publishing.tables import Results, read_results
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, EMBEDDINGS, MEMBERS, METRICS
from clustering_pipeline.pipeline.run.columns import CENTROID
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.progress import Progress
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.assign import assign
from clustering_pipeline.pipeline.stages.export import export
from clustering_pipeline.pipeline.stages.label import label
from clustering_pipeline.pipeline.stages.reduce import reduce
from clustering_pipeline.pipeline.stages.summarize import summarize
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog.definitions.create import by_id

TRIGGER = "one_shot"
_WORK = (reduce, assign, summarize, label)

"""Raises when the call is to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Once(Run):
    """A run that holds no definition and whose record is made only when it is to be kept."""

    stop: Check
    notes: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raises when the call is to end."""
        self.stop()

    def record(self, **changes: Any) -> None:
        """Noted here; nothing is in the catalog yet."""
        self.notes.update(changes)


def execute_once(
    pipeline: Pipeline,
    scope: Scope,
    request: ExecuteClusterRequest,
    *,
    most_documents: int,
    stop: Check,
) -> ExecuteClusterResponse:
    """Raises CollectionNotFound, InvalidRequest, DoesNotFit, and whatever ``stop`` raises.

    What is made on the way lies in a folder that goes with the call.
    """
    began, created = time.monotonic(), utc_now()
    definition = request.definition()
    check_available(definition)
    inputs = pipeline.catalog.collections.resolve(scope, request.collection_ids)
    _check_size(pipeline, inputs, most_documents)
    spec = _spec(scope, by_id(definition, inputs))
    with TemporaryDirectory() as folder:
        here = replace(pipeline, artifacts=Artifacts.open(folder))
        run = _run(here, spec, stop, created)
        config = request.config
        read = partial(export, page=config.batch_size, in_flight=config.parallelism)
        for work in (read, *_WORK):
            run.check()
            work(run)
        results = read_results(run)
        run.check()
        keys = _kept(pipeline, run, request, results)
        return ExecuteClusterResponse(
            success=True,
            run_id=run.run_id,
            algorithm=spec.method,
            num_clusters=results.top.height,
            num_documents=results.documents,
            centroids=centroids(spec, results.clusters),
            members=members_of(results.members) if request.include_members else None,
            metrics=metrics(run) if request.compute_metrics else {},
            execution_time_ms=round((time.monotonic() - began) * 1000),
            created_at=created,
            **keys,
        )


def _spec(scope: Scope, definition: CreateClusterRequest) -> ClusterSpec:
    cluster_id = new_id("clust")
    return ClusterSpec(
        cluster_id=cluster_id,
        cluster_name=f"one-shot {cluster_id.removeprefix('clust_')[:6]}",
        organization_id=scope.organization_id,
        namespace_id=scope.namespace_id,
        version=1,
        definition=definition,
        # Nobody looks at the map of a call that answers with numbers.
        defer_visualization=True,
    )


def _check_size(pipeline: Pipeline, inputs: Sequence[CollectionRecord], most: int) -> None:
    documents = sum(
        pipeline.documents.count(collection.qdrant_collection, None) for collection in inputs
    )
    if documents > most:
        message = (
            f"{documents:,} documents are more than the {most:,} that are clustered while you "
            "wait: store a definition (POST /v1/clusters) and execute that"
        )
        raise DoesNotFit(message)


def _run(pipeline: Pipeline, spec: ClusterSpec, stop: Check, created: datetime) -> _Once:
    dagster_run_id = str(uuid.uuid4())
    execution = ExecutionRecord(
        run_id=run_id_of(dagster_run_id),
        cluster_id=spec.cluster_id,
        dagster_run_id=dagster_run_id,
        task_id=task_id_of(dagster_run_id),
        organization_id=spec.organization_id,
        namespace_id=spec.namespace_id,
        spec=spec,
        params=spec.params.model_dump(mode="json"),
        mode=spec.mode,
        trigger=TRIGGER,
        # Who asked has the answer.
        announced=EVENTS,
        created_at=created,
        started_at=created,
    )
    return _Once(
        pipeline=pipeline,
        execution=execution,
        spec=spec,
        published=None,
        progress=Progress(write=lambda _done, _total: stop()),
        stop=stop,
    )


def _kept(
    pipeline: Pipeline, run: _Once, request: ExecuteClusterRequest, results: Results
) -> dict[str, str | None]:
    """Writes what the request asks to keep, the record last; the keys of both tables."""
    if not request.keeps:
        return {"parquet_path": None, "members_key": None}
    if request.save_artifacts:
        file = run.key(EMBEDDINGS)
        pipeline.artifacts.write_bytes(file, run.pipeline.artifacts.read_bytes(file))
    lasting = replace(run, pipeline=pipeline)
    lasting.write_frame(CLUSTERS, results.clusters)
    lasting.write_frame(MEMBERS, results.members)
    if request.store_results:
        fields = result_fields(run, results) | run.notes
        ended = {"status": ExecutionStatus.COMPLETED, "completed_at": utc_now(), "artifacts": {}}
        record = run.execution.model_dump() | fields | ended
        pipeline.catalog.executions.begin(ExecutionRecord.model_validate(record))
    return {"parquet_path": run.key(CLUSTERS), "members_key": run.key(MEMBERS)}


_MEMBER = ("document_id", "collection_id", "cluster_id", "distance_to_centroid")
_CENTROID = (
    "cluster_id",
    "num_members",
    "variance",
    "label",
    "summary",
    "keywords",
    "parent_cluster_id",
    "hierarchy_level",
)


def centroids(spec: ClusterSpec, clusters: pl.DataFrame) -> list[ClusterCentroid]:
    """The groups, in the order of the table."""
    attributes = "+".join(spec.attributes.attributes if spec.attributes else ())
    parents = clusters["parent_cluster_id"].to_list()
    children: dict[str, list[str]] = {}
    for name, parent in zip(clusters["cluster_id"].to_list(), parents, strict=True):
        if parent is not None:
            children.setdefault(parent, []).append(name)
    return [
        _centroid(row, row["feature_name"] or attributes, children)
        for row in clusters.iter_rows(named=True)
    ]


def _centroid(row: dict[str, Any], feature: str, children: dict[str, list[str]]) -> ClusterCentroid:
    vector = row.get(CENTROID) or []
    return ClusterCentroid.model_validate(
        {
            **{name: row.get(name) for name in _CENTROID},
            "centroid_vector": vector,
            "feature_name": feature,
            "vector_name": feature,
            "feature_dimensions": len(vector),
            "child_cluster_ids": children.get(row["cluster_id"], []),
        }
    )


def members_of(members: pl.DataFrame) -> list[ClusterMember]:
    """Every document with its group."""
    rows = members.select(_MEMBER).iter_rows(named=True)
    return [ClusterMember.model_validate(row) for row in rows]


def metrics(run: Run) -> dict[str, float]:
    """How good the groups are, as far as that is a finite number."""
    measured = run.read_json(METRICS)
    numbers = {
        name: float(value)
        for name, value in measured.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
