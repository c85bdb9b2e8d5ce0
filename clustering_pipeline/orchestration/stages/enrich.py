from collections.abc import Iterator

import polars as pl

from clustering_pipeline.model.execution import WriteBack
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.fields import document_fields
from clustering_pipeline.orchestration.stages.results import by_document
from clustering_pipeline.stores.documents import WriteReport


def enrich(run: Run) -> StageReport:
    """Writes the mapped fields onto every document, with their run's mark, in one call each.

    They are those of the published run, so materializing this alone finishes what was interrupted.
    """
    if not run.spec.enrich:
        return StageReport(skipped=True)
    members = by_document(run.read_frame("members"))
    planned = run.shown.write_back or WriteBack()
    counted = {"written": 0, "failed": 0, "error": None}
    _say(run, planned.model_copy(update=counted | {"status": "writing"}))
    written = planned.model_copy(update=counted | {"status": "completed"})
    for (collection_id,), part in members.group_by("collection_id", maintain_order=True):
        report = _write(run, str(collection_id), part, written, total=members.height)
        written = _sum(written, report)
    _say(run, written)
    return StageReport(
        numbers={
            "documents": members.height,
            "written": written.written,
            "failed": written.failed,
        }
    )


def _say(run: Run, write_back: WriteBack) -> None:
    run.pipeline.catalog.executions.update(run.shown.run_id, write_back=write_back)


def _write(
    run: Run, collection_id: str, members: pl.DataFrame, before: WriteBack, *, total: int
) -> WriteReport:
    done, stale = before.written + before.failed, before.stale_fields
    collection = run.pipeline.catalog.collections.get(run.spec.scope, collection_id)
    return run.pipeline.documents.write_payloads(
        collection.qdrant_collection,
        _updates(run, members),
        remove_keys=stale,
        progress=lambda count: run.progress(done + count, total),
        check=run.check,
    )


def _updates(run: Run, members: pl.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    fields = document_fields(run, members)
    return zip(members["point_id"], fields.iter_rows(named=True), strict=True)


def _sum(before: WriteBack, report: WriteReport) -> WriteBack:
    """A document that was deleted meanwhile fails alone, and is named if it is among the first."""
    reasons = "; ".join(f"{point}: {reason}" for point, reason in report.failures)
    counted = {
        "written": before.written + report.written,
        "failed": before.failed + report.failed,
        "error": before.error or reasons or None,
    }
    return before.model_copy(update=counted)
