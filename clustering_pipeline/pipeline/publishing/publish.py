import logging
from typing import Any

import polars as pl

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
from clustering_pipeline.pipeline.publishing.tables import (
    clusters_table,
    document_count,
    labelled,
    members_table,
)
from clustering_pipeline.pipeline.publishing.write_back import write_back
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, MEMBERS
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.attributes import named_by_values

LOG = logging.getLogger(__name__)


def publish(run: Run) -> StageReport:
    """Makes the results whole and durable, then current: the catalog pointer is the one commit."""
    clusters = named_by_values(run, clusters_table(run))
    members = labelled(members_table(run), clusters)
    run.write_frame(CLUSTERS, clusters)
    run.write_frame(MEMBERS, members)
    picture = draw(run, clusters, members)
    events = keep_lineage(run, clusters)
    keep_numbers(run)
    refused = [] if run.only_renames else refusals(run, members)
    if not run.spec.enrich and not refused:
        write_output(run, clusters, members)
    fields = result_fields(run, clusters, members) | {"manifest": write_manifest(run)}
    execution = run.pipeline.catalog.executions.update(run.run_id, **fields, **_refused(refused))
    if not refused:
        point(run, execution)
        _follow(run)
    return _report(run, clusters, members, picture, lineage_table(events))


def _refused(reasons: list[str]) -> dict[str, Any]:
    if not reasons:
        return {}
    message = f"the result is kept and not published: {'; '.join(reasons)}"
    tell(LOG, "result refused", logging.WARNING, because="; ".join(reasons))
    return {"refusals": reasons, "error_message": message}


def _follow(run: Run) -> None:
    """What readers find outside the catalog; documents get their fields by the stage after."""
    record = run.pipeline.catalog.clusters.by_id(run.cluster_id)
    follow(run.pipeline, record)
    if record.state.documents_hold and not run.spec.enrich:
        clear(run.pipeline, record, check=run.check)
    collect(run.pipeline, run.cluster_id)


def _report(
    run: Run, clusters: pl.DataFrame, members: pl.DataFrame, picture: Picture, lineage: str
) -> StageReport:
    markdown = {"map": picture.image, "table": picture.table, "lineage": lineage}
    return StageReport(
        numbers={
            "documents": document_count(members),
            "groups": clusters.filter(hierarchy_level=0).height,
            "noise": members.filter(cluster_id=NOISE_ID).height,
        },
        texts={"page": picture.page_uri} if picture.page_uri else {},
        markdown={name: text for name, text in markdown.items() if text},
        uri=run.uri(CLUSTERS),
    )


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
