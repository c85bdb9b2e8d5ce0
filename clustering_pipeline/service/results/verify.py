"""Whether what a run left is still what it wrote: its files, and the fields on its documents."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ArtifactNotFound, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.publishing.manifest import files_of, input_digest
from clustering_pipeline.pipeline.publishing.payload_fields import FIELD, document_fields
from clustering_pipeline.pipeline.publishing.retention import not_kept
from clustering_pipeline.pipeline.publishing.run_marks import marked, require_no_branch
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, MANIFEST
from clustering_pipeline.pipeline.run.pipeline import Pipeline

NAMED = 10
IDS_PER_READ = 5_000
Verdict = Literal["same", "changed", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """One file of a run beside its manifest."""

    file: str
    key: str
    verdict: Verdict


@dataclass(slots=True, kw_only=True)
class DocumentCheck:
    """How many documents show what the published run found; the others by their first ids."""

    run_id: str
    documents: int = 0
    right: int = 0
    wrong: int = 0
    """Documents that show something else, or nothing."""
    gone: int = 0
    """Documents that were deleted since."""
    strangers: int = 0
    """Documents that show fields and are not in the run."""
    wrong_ids: list[str] = field(default_factory=list)
    stranger_ids: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether every document there is shows the published run."""
        return not self.wrong and not self.strangers


def verify_run(pipeline: Pipeline, execution: ExecutionRecord) -> list[FileCheck]:
    """Computes every digest of the run's manifest again, its own and its input's included.

    Raises StateConflict when retention has removed the files.
    """
    if execution.expired_at is not None:
        raise not_kept(pipeline.catalog.clusters.by_id(execution.cluster_id), execution)
    key = execution.artifact_key(MANIFEST.file)
    checks = [_file(pipeline, MANIFEST.file, key, execution.manifest.get("sha256"))]
    if checks[0].verdict == "missing":
        return checks
    content = pipeline.artifacts.read_json(key)
    checks += [_file(pipeline, *file) for file in files_of(content)]
    return [*checks, _input(pipeline, execution, content)]


def verify_documents(pipeline: Pipeline, record: ClusterRecord) -> DocumentCheck:
    """Reads every document that the published run holds, and every one that carries the mark.

    Raises StateConflict when the definition writes onto no documents, as in a branch, or published
    nothing yet.
    """
    require_no_branch(pipeline)
    shown = pipeline.catalog.executions.published(record)
    if shown is None or shown.spec is None or not shown.spec.enrich:
        message = f"{record.name!r} has published no run that writes onto its documents"
        raise StateConflict(message)
    check = DocumentCheck(run_id=shown.run_id)
    expected = document_fields(pipeline, shown)
    for (collection_id,), part in expected.group_by("collection_id", maintain_order=True):
        collection = pipeline.catalog.collections.get(record.scope, str(collection_id))
        name = collection.qdrant_collection
        for page in part.iter_slices(IDS_PER_READ):
            _compare(pipeline, name, page, check)
        _find_strangers(pipeline, name, run_mark(record.cluster_id), part, check)
    return check


def _file(pipeline: Pipeline, file: str, key: str, expected: str | None) -> FileCheck:
    try:
        same = pipeline.artifacts.sha256(key) == expected
    except ArtifactNotFound:
        return FileCheck(file=file, key=key, verdict="missing")
    return FileCheck(file=file, key=key, verdict="same" if same else "changed")


def _input(pipeline: Pipeline, execution: ExecutionRecord, content: Mapping[str, Any]) -> FileCheck:
    key = execution.artifact_key(EMBEDDINGS.file)
    try:
        same = input_digest(pipeline.artifacts, key) == content["input"]["digest"]
    except ArtifactNotFound:
        return FileCheck(file="input", key=key, verdict="missing")
    return FileCheck(file="input", key=key, verdict="same" if same else "changed")


def _compare(pipeline: Pipeline, name: str, rows: pl.DataFrame, check: DocumentCheck) -> None:
    columns = [field for field in rows.columns if field.startswith(FIELD)]
    fields = [field.removeprefix(FIELD) for field in columns]
    points = pipeline.documents.retrieve(name, rows["point_id"].to_list(), payload_fields=fields)
    payloads = {point.id: point.payload for point in points}
    for point_id, *values in rows.select("point_id", *columns).iter_rows():
        check.documents += 1
        if point_id not in payloads:
            check.gone += 1
        elif all(
            _is_same(payloads[point_id].get(field), value)
            for field, value in zip(fields, values, strict=True)
        ):
            check.right += 1
        else:
            check.wrong += 1
            check.wrong_ids += [point_id] if len(check.wrong_ids) < NAMED else []


def _is_same(shown: object, found: object) -> bool:
    """Equal but for what a number loses on its way through the store's JSON."""
    if isinstance(found, dict):
        values = {name: value for name, value in found.items() if value is not None}
        return isinstance(shown, dict) and all(
            _is_same(shown.get(name), value) for name, value in values.items()
        )
    if isinstance(found, float) and isinstance(shown, int | float):
        return math.isclose(shown, found, rel_tol=1e-9, abs_tol=1e-12)
    return shown == found


def _find_strangers(
    pipeline: Pipeline, name: str, mark: str, rows: pl.DataFrame, check: DocumentCheck
) -> None:
    known = set(rows["point_id"])
    for point_id in _marked(pipeline, name, mark):
        if point_id not in known:
            check.strangers += 1
            check.stranger_ids += [point_id] if len(check.stranger_ids) < NAMED else []


def _marked(pipeline: Pipeline, name: str, mark: str) -> Iterator[str]:
    for page in pipeline.documents.scroll(name, marked(mark, there=True), payload_fields=()):
        yield from (point.id for point in page)
