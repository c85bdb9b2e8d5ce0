from collections.abc import Iterator

import polars as pl

from clustering_pipeline.model.execution import WriteBack
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.fields import document_fields


def enrich(run: Run) -> StageReport:
    """Writes the mapped fields onto every document, with this run's mark, in one call each."""
    if not run.spec.enrich:
        return StageReport(skipped=True)
    members = run.read_frame("members")
    executions = run.pipeline.catalog.executions
    executions.update(run.run_id, write_back=WriteBack(status="writing"))
    written = 0
    for (collection_id,), part in members.group_by("collection_id", maintain_order=True):
        written += _write(run, str(collection_id), part, done=written, total=members.height)
    executions.update(run.run_id, write_back=WriteBack(status="completed", written=written))
    return StageReport(numbers={"documents": members.height, "written": written})


def _write(run: Run, collection_id: str, members: pl.DataFrame, *, done: int, total: int) -> int:
    collection = run.pipeline.catalog.collections.get(run.spec.scope, collection_id)
    report = run.pipeline.documents.write_payloads(
        collection.qdrant_collection,
        _updates(run, members),
        progress=lambda count: run.progress(done + count, total),
    )
    return report.written


def _updates(run: Run, members: pl.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    fields = document_fields(run, members)
    return zip(members["point_id"], fields.iter_rows(named=True), strict=True)
