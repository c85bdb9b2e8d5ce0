"""The documents of a run or of a group as a table, with the fields of their payloads as columns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.columns import AXES
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import (
    TEXT,
    is_within,
    payloads,
    read_members,
    results_of,
    values_in,
)
from clustering_pipeline.service.results.group import one_group
from clustering_pipeline.service.results.groups import named_now

_OWN = ("document_id", "collection_id", "cluster_id", "group_uid", "cluster_label")
_NUMBERS = ("probability", "distance_to_centroid", "outlier_score")
_TYPES: dict[type, Any] = {str: pl.String, bool: pl.Boolean, int: pl.Int64, float: pl.Float64}
_LARGEST = 2**63


def members_table(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    *,
    group: str | None = None,
    fields: Sequence[str] | None = None,
    run_id: str | None = None,
) -> pl.DataFrame:
    """A row a document, in canonical order, noise included.

    Columns: its ids, the group's id, uid and label as people last named it, how surely it belongs,
    its place on the map where there is one, and ``fields`` of its payload (dotted paths; all
    top-level ones when nothing is said), and the beginning of its text where no field is called
    ``text``.  A field keeps its type where all its values have it and
    is JSON text elsewhere; one that is called like another column is ``payload.`` and its name.
    Raises ClusterNotFound, ExecutionNotFound, GroupNotFound and StateConflict.
    """
    _, execution = results_of(pipeline, scope, cluster, run_id)
    rows = read_members(pipeline, execution, ["group_uid", "cluster_label", *_NUMBERS, *AXES])
    if group is not None:
        chosen = NOISE_ID if group == NOISE_ID else one_group(execution, group).cluster_id
        rows = rows.filter(is_within(chosen))
    axes = [axis for axis in AXES if rows[axis].count()]
    table = rows.with_columns(named_now(execution, "cluster_label"))
    table, read = table.select(*_OWN, *_NUMBERS, *axes), list(payloads(rows))
    columns = [
        _column(f"payload.{field}" if field in table.columns else field, values_in(read, field))
        for field in (_fields(read) if fields is None else dict.fromkeys(fields))
    ]
    said = [column for column in columns if not _is_the_id(column, table)]
    table = table.with_columns(said)
    return table if TEXT in table.columns else table.with_columns(rows[TEXT])


def _is_the_id(column: pl.Series, table: pl.DataFrame) -> bool:
    """Whether a payload's own id only says again what the document is called."""
    return column.name == "payload.document_id" and column.equals(
        table["document_id"].alias(column.name)
    )


def _fields(read: Sequence[Mapping[str, Any]]) -> list[str]:
    """Top-level fields in the order in which documents first have them; each as a path."""
    names = dict.fromkeys(name for payload in read for name in payload)
    return [f'"{name}"' if "." in name else name for name in names if name and '"' not in name]


def _column(name: str, values: Sequence[Any]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        kinds = {float}
    if len(kinds) == 1 and (dtype := _TYPES.get(kinds.pop())) is not None and _fits(values):
        return pl.Series(name, values, dtype=dtype, strict=False)
    texts = [
        value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for value in values
    ]
    return pl.Series(name, texts, dtype=pl.String)


def _fits(values: Sequence[Any]) -> bool:
    """Qdrant's integers are of 64 bits; larger ones in a payload stay text."""
    return not any(type(value) is int and abs(value) >= _LARGEST for value in values)
