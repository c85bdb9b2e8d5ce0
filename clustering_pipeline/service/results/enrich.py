"""Puts what finished runs found onto the documents of a collection, once, when asked."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import (
    ApplyClusterEnrichmentRequest,
    ClusteringEnrichmentResponse,
)
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.errors import (
    ClusterNotFound,
    ExecutionNotFound,
    FieldTaken,
    InvalidRequest,
    StateConflict,
)
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.publishing.payload_fields import FIELD, document_fields
from clustering_pipeline.pipeline.publishing.run_marks import require_no_branch
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.collections.register import check_own
from clustering_pipeline.service.results.map import shown_run
from clustering_pipeline.stores.documents import Point
from clustering_pipeline.stores.documents.concurrency import in_order

MOST_AT_ONCE = 8
_POINT = "point_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """What one run says about documents, under the payload's names."""

    execution: ExecutionRecord
    spec: ClusterSpec

    @property
    def targets(self) -> list[str]:
        return [mapping.target_field for mapping in self.spec.field_mappings]

    def fields(self, pipeline: Pipeline, collection_id: str) -> pl.DataFrame:
        """One row a document of the collection: its point id, and the fields with the run's mark
        as one value.
        """
        frozen = self.execution.model_copy(update={"spec": self.spec})
        rows = document_fields(pipeline, frozen).filter(collection_id=collection_id)
        mapped = [pl.col(f"{FIELD}{target}").alias(target) for target in self.targets]
        mark = pl.lit(self.execution.run_id).alias(run_mark(self.execution.cluster_id))
        return rows.select(_POINT, pl.struct(*mapped, mark).alias(self.execution.run_id))


def enrich_collection(
    pipeline: Pipeline, scope: Scope, request: ApplyClusterEnrichmentRequest
) -> ClusteringEnrichmentResponse:
    """Raises NotFound for what is not there, StateConflict for a definition without a published
    run, for a collection of results, and in a branch, InvalidRequest for a run over other
    collections, and FieldTaken when two runs, or another definition, would write the same field.
    """
    require_no_branch(pipeline)
    source = pipeline.catalog.collections.get(scope, request.source_collection_id)
    target = pipeline.catalog.collections.get(
        scope, request.target_collection_id or source.collection_id
    )
    results = [_results(pipeline, scope, identifier) for identifier in request.clustering_ids]
    _check_inputs(results, source)
    _check_fields(pipeline, results, target)
    frame = reduce(_joined, (result.fields(pipeline, source.collection_id) for result in results))
    write = _Write(pipeline=pipeline, source=source, target=target)
    rows = min(request.batch_size, max(frame.height, 1))
    batches = math.ceil(frame.height / rows)
    in_flight = min(request.parallelism, MOST_AT_ONCE)
    parts = frame.iter_slices(rows)
    written = sum(in_order(write, parts if frame.height else (), in_flight=in_flight))
    return ClusteringEnrichmentResponse(
        processed=frame.height, enriched=written, failed=frame.height - written, batches=batches
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """Writes one batch and says how many documents it reached."""

    pipeline: Pipeline
    source: CollectionRecord
    target: CollectionRecord

    def __call__(self, part: pl.DataFrame) -> int:
        updates = dict(_updates(part))
        if self.target.collection_id != self.source.collection_id:
            return self._copy(updates)
        name = self.source.qdrant_collection
        return self.pipeline.documents.write_payloads(name, updates.items()).written

    def _copy(self, updates: dict[str, dict[str, object]]) -> int:
        """The documents whole, with the vectors that both collections know by one name."""
        documents = self.pipeline.documents
        known = documents.describe(self.source.qdrant_collection).vectors
        taken = documents.describe(self.target.qdrant_collection).vectors
        names = [one for one in known if one in taken and taken[one].size == known[one].size]
        points = documents.retrieve(
            self.source.qdrant_collection, list(updates), vector_names=names
        )
        for one in {tuple(point.vectors) for point in points}:
            alike = [point for point in points if tuple(point.vectors) == one]
            self._upsert(alike, one, updates)
        return len(points)

    def _upsert(
        self, points: Sequence[Point], names: Sequence[str], updates: dict[str, dict[str, object]]
    ) -> None:
        self.pipeline.documents.upsert(
            self.target.qdrant_collection,
            ids=[point.id for point in points],
            vectors={name: np.stack([point.vectors[name] for point in points]) for name in names},
            payloads=[{**point.payload, **updates[point.id]} for point in points],
        )


def _results(pipeline: Pipeline, scope: Scope, wanted: str) -> _Results:
    """An execution by its id, else the published one of a definition."""
    try:
        record = pipeline.catalog.clusters.get(scope, wanted)
        execution = shown_run(pipeline, record, None)
    except ClusterNotFound:
        execution = _execution(pipeline, scope, wanted)
    if execution is None:
        message = f"{wanted[:200]!r} has no published run yet: execute it first"
        raise StateConflict(message)
    spec = execution.spec or pipeline.catalog.clusters.by_id(execution.cluster_id).resolved()
    return _Results(execution=execution, spec=spec)


def _execution(pipeline: Pipeline, scope: Scope, run_id: str) -> ExecutionRecord:
    try:
        execution = pipeline.catalog.executions.get(scope, run_id)
    except ExecutionNotFound:
        message = f"no definition or execution {run_id[:200]!r} here"
        raise ExecutionNotFound(message) from None
    if execution.members_key is None or not execution.status.ended:
        message = f"{run_id} has no results ({execution.status.value}): take a completed one"
        raise StateConflict(message)
    return execution


def _check_inputs(results: Sequence[_Results], source: CollectionRecord) -> None:
    for result in results:
        if source.collection_id not in result.spec.collection_ids:
            message = (
                f"{result.execution.run_id} did not read collection {source.collection_name!r}: "
                "its results say nothing about those documents"
            )
            raise InvalidRequest(message)


def _check_fields(
    pipeline: Pipeline, results: Sequence[_Results], target: CollectionRecord
) -> None:
    check_own(pipeline, target)
    seen: dict[str, str] = {}
    for result in results:
        record = _definition(pipeline, result)
        pipeline.catalog.clusters.require_fields(record, target.collection_id, result.targets)
        for field in result.targets:
            if field in seen:
                raise _taken(field, target, record.name, seen[field])
        seen |= dict.fromkeys(result.targets, record.name)


def _definition(pipeline: Pipeline, results: _Results) -> ClusterRecord:
    """Whose results they are; a call that clustered at once had no stored definition."""
    execution, spec = results.execution, results.spec
    try:
        return pipeline.catalog.clusters.by_id(execution.cluster_id)
    except ClusterNotFound:
        then = execution.created_at
        return ClusterRecord(
            cluster_id=spec.cluster_id,
            organization_id=spec.organization_id,
            namespace_id=spec.namespace_id,
            spec=spec.definition.model_copy(update={"cluster_name": spec.cluster_name}),
            state=ClusterState(created_at=then, updated_at=then),
        )


def _taken(field: str, target: CollectionRecord, name: str, owner: str) -> FieldTaken:
    message = (
        f"{name!r} cannot write {field!r} on collection {target.collection_name!r}, "
        f"{owner!r} does already: choose another target_field"
    )
    return FieldTaken(message, details={"field": field, "definitions": [name, owner]})


def _joined(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    return left.join(right, on=_POINT, how="full", coalesce=True, maintain_order="left_right")


def _updates(part: pl.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    """Point id and fields; where a run says nothing about a document, it changes nothing."""
    for row in part.iter_rows(named=True):
        point = str(row.pop(_POINT))
        results = [fields for fields in row.values() if fields is not None]
        yield point, {name: value for fields in results for name, value in fields.items()}
