import logging
from typing import Any

from clustering_pipeline.logs import tell
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.lineage import keep_lineage, lineage_table
from clustering_pipeline.pipeline.groups.numbering import keep_numbers
from clustering_pipeline.pipeline.publishing.clear_fields import clear
from clustering_pipeline.pipeline.publishing.execution_record import result_fields
from clustering_pipeline.pipeline.publishing.manifest import write_manifest
from clustering_pipeline.pipeline.publishing.map import Picture, draw
from clustering_pipeline.pipeline.publishing.output_aliases import follow
from clustering_pipeline.pipeline.publishing.output_collections import write_output
from clustering_pipeline.pipeline.publishing.pointer import point
from clustering_pipeline.pipeline.publishing.quality_gates import refusals
from clustering_pipeline.pipeline.publishing.retention import collect
from clustering_pipeline.pipeline.publishing.run_marks import held_runs, planned_write_back
from clustering_pipeline.pipeline.publishing.tables import Results, read_results
from clustering_pipeline.pipeline.publishing.write_back import write_back
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, MAP, MEMBERS
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run

LOG = logging.getLogger(__name__)


def publish(run: Run) -> StageReport:
    """Makes the results whole and durable, then current: the catalog pointer is the one commit.

    What readers find outside the catalog follows it; documents get their fields by the stage after.
    """
    catalog = run.pipeline.catalog
    held = held_runs(run.pipeline, catalog.clusters.by_id(run.cluster_id))
    planned = planned_write_back(run.spec, held, branch=run.pipeline.branch)
    results = read_results(run)
    picture = draw(results)
    run.write_frame(CLUSTERS, results.clusters)
    run.write_frame(MEMBERS, results.members)
    if picture.page is not None:
        run.write_page(MAP, picture.page)
    events = keep_lineage(run, results.clusters)
    keep_numbers(run, results.uids)
    refused = [] if run.only_renames else refusals(run, results.members)
    if not run.spec.enrich and not refused:
        write_output(run, results)
    fields = result_fields(run, results) | {"write_back": planned, "manifest": write_manifest(run)}
    execution = catalog.executions.update(run.run_id, **fields, **_refused(refused))
    if not refused:
        record = point(run, execution)
        follow(run.pipeline, record)
        branch = run.pipeline.branch
        if record.state.documents_hold and not run.spec.enrich and branch is None:
            clear(run.pipeline, record, held, check=run.check)
        collect(run.pipeline, run.cluster_id)
    page = run.uri(MAP) if picture.page is not None else None
    return _report(results, picture, lineage_table(events), uri=run.uri(CLUSTERS), page=page)


def _refused(reasons: list[str]) -> dict[str, Any]:
    if not reasons:
        return {}
    message = f"the result is kept and not published: {'; '.join(reasons)}"
    tell(LOG, "result refused", logging.WARNING, because="; ".join(reasons))
    return {"refusals": reasons, "error_message": message}


def _report(
    results: Results, picture: Picture, lineage: str, *, uri: str, page: str | None
) -> StageReport:
    markdown = {"map": picture.image, "table": picture.table, "lineage": lineage}
    return StageReport(
        numbers={
            "documents": results.documents,
            "groups": results.top.height,
            "noise": results.members.filter(cluster_id=NOISE_ID).height,
        },
        texts={"page": page} if page else {},
        markdown={name: text for name, text in markdown.items() if text},
        uri=uri,
    )


def enrich(run: Run) -> StageReport:
    """Brings every document to the mapped fields of the published run, by writing what differs.

    Materializing this alone finishes what was interrupted.
    """
    if not run.spec.enrich or run.execution.refusals:
        return StageReport(skipped=True)
    if run.pipeline.branch is not None:
        tell(LOG, "write-back off", branch=run.pipeline.branch)
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
