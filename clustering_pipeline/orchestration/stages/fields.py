"""The payload that a definition maps onto its source documents."""

import polars as pl

from clustering_pipeline.model.marks import run_mark
from clustering_pipeline.orchestration.run import Run


def target_fields(run: Run) -> list[str]:
    """The payload fields this definition writes; none when it does not enrich."""
    return [one.target_field for one in run.spec.field_mappings] if run.spec.enrich else []


def document_fields(run: Run, members: pl.DataFrame) -> pl.DataFrame:
    """One row a document: the mapped results under their payload names, and their run's mark."""
    columns = [_result(one.source_field).alias(one.target_field) for one in run.spec.field_mappings]
    return members.select(*columns, pl.lit(run.shown.run_id).alias(run_mark(run.cluster_id)))


def _result(source_field: str) -> pl.Expr:
    return pl.col(source_field)
