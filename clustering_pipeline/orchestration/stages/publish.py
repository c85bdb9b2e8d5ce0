from typing import Any

import polars as pl

from clustering_pipeline.model.cluster_state import ClusterStats
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.orchestration.clearing import clear
from clustering_pipeline.orchestration.generations import follow
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.attribute_groups import named_by_values
from clustering_pipeline.orchestration.stages.lineage import keep_lineage, lineage_table
from clustering_pipeline.orchestration.stages.manifest import write_manifest
from clustering_pipeline.orchestration.stages.output import write_output
from clustering_pipeline.orchestration.stages.picture import Picture, draw
from clustering_pipeline.orchestration.stages.record import result_fields
from clustering_pipeline.orchestration.stages.results import (
    clusters_table,
    document_count,
    labelled,
    members_table,
)

CLUSTERS, MEMBERS = "clusters", "members"


def publish(run: Run) -> StageReport:
    """Makes the results whole and durable, then current: the catalog pointer is the one commit."""
    clusters = named_by_values(run, clusters_table(run))
    members = labelled(members_table(run), clusters)
    run.write_frame(CLUSTERS, clusters)
    run.write_frame(MEMBERS, members)
    picture = draw(run, clusters, members)
    events = keep_lineage(run, clusters)
    if not run.spec.enrich:
        write_output(run, clusters, members)
    write_manifest(run)
    fields = result_fields(run, clusters, members)
    run.pipeline.catalog.executions.update(run.run_id, **fields)
    _commit(run, fields)
    _follow(run)
    return _report(run, clusters, members, picture, lineage_table(events))


def _follow(run: Run) -> None:
    """What readers find outside the catalog; documents get their fields by the stage after."""
    record = run.pipeline.catalog.clusters.by_id(run.cluster_id)
    follow(run.pipeline, record)
    if record.state.documents_hold and not run.spec.enrich:
        clear(run.pipeline, record, check=run.check)


def _commit(run: Run, fields: dict[str, Any]) -> None:
    metrics = fields["metrics"].model_dump()
    reduction = run.read_json("reduction")
    learned = reduction["weight_learning"]
    run.pipeline.catalog.clusters.publish(
        run.cluster_id,
        run.run_id,
        # Complete only when nothing is left to write: until then the record says so.
        status=ClusterStatus.PROCESSING,
        num_clusters=fields["num_clusters"],
        num_documents_clustered=fields["num_points"],
        quality_metrics=metrics,
        cluster_stats=ClusterStats(
            num_clusters=fields["num_clusters"],
            noise_points=fields["num_points"] - fields["vectors_clustered"],
            silhouette_score=metrics["silhouette_score"],
        ),
        parquet_path=fields["parquet_path"],
        members_key=fields["members_key"],
        llm_labeling_errors=fields["llm_labeling_errors"],
        hierarchy_detected=bool(fields["hierarchy_relationships"])
        or any(one.hierarchy_level for one in fields["centroids"]),
        hierarchy_relationships=fields["hierarchy_relationships"],
        learned_weights=reduction["weights"] if learned is not None else None,
        learning_quality_score=reduction["learning_quality_score"],
    )


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
        uri=run.uri("clusters.parquet"),
    )
