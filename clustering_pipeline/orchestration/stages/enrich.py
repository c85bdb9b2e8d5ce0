from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.write_back import write_back


def enrich(run: Run) -> StageReport:
    """Brings every document to the mapped fields of the published run, by writing what differs.

    Materializing this alone finishes what was interrupted.
    """
    if not run.spec.enrich or run.execution.refusals:
        return StageReport(skipped=True)
    done = write_back(run)
    return StageReport(
        numbers={
            "documents": done.written + done.unchanged + done.failed,
            "written": done.written,
            "unchanged": done.unchanged,
            "removed": done.removed,
            "failed": done.failed,
        }
    )
