"""The payload that a definition maps onto its source documents."""

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from clustering_pipeline.model.definitions.enrichment import METADATA, metadata_value
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.publishing.tables import by_document
from clustering_pipeline.pipeline.run.artifacts import MEMBERS
from clustering_pipeline.pipeline.run.columns import FEATURE
from clustering_pipeline.pipeline.run.columns import KEYS as NAMED
from clustering_pipeline.pipeline.run.pipeline import Pipeline

KEYS = ("collection_id", "point_id")
IDENTITY = (*NAMED, FEATURE)
GROUP = "group"
FIELD = "field."
# Results that differ from document to document; the others are those of its group.
OF_DOCUMENT = frozenset({"distance_to_centroid", "probability", "x", "y", "z"})


def own_columns(spec: ClusterSpec) -> frozenset[str]:
    """The columns of ``document_fields`` whose values a document shares with no other."""
    return frozenset(
        f"{FIELD}{mapping.target_field}"
        for mapping in spec.field_mappings
        if mapping.source_field in OF_DOCUMENT
    )


def document_fields(pipeline: Pipeline, execution: ExecutionRecord) -> pl.DataFrame:
    """One row a document: where it is, its group, and the mapped results of that run."""
    mappings = execution.spec.field_mappings if execution.spec else ()
    metadata = execution.spec.definition.metadata if execution.spec else {}
    members = pipeline.artifacts.scan(execution.artifact_key(MEMBERS.file))
    present = members.collect_schema().names()
    needed = {*IDENTITY, "cluster_id", *(mapping.source_field for mapping in mappings)}
    rows = by_document(members.select(name for name in present if name in needed).collect())
    return rows.select(
        *KEYS,
        pl.col("cluster_id").alias(GROUP),
        *(
            _result(mapping.source_field, present, metadata).alias(f"{FIELD}{mapping.target_field}")
            for mapping in mappings
        ),
    )


def _result(source_field: str, present: Collection[str], metadata: Mapping[str, Any]) -> pl.Expr:
    if source_field.startswith(METADATA):
        return pl.lit(metadata_value(metadata, source_field))
    # Runs of before a result was known have no such column.
    return pl.col(source_field) if source_field in present else pl.lit(None)
