"""One group of a run: what it is like, what lies near it, and a page of its documents."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from clustering_pipeline.engine.metrics.proportions import Outstanding, outstanding
from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.errors import GroupNotFound
from clustering_pipeline.model.executions.execution import ClusterExecutionCentroid, ExecutionRecord
from clustering_pipeline.model.executions.group_details import (
    GroupDetails,
    GroupDocument,
    GroupDocumentsResponse,
    NearGroup,
    RepresentativeText,
    StandingOut,
)
from clustering_pipeline.model.filters.semantics import matches
from clustering_pipeline.model.filters.tree import Filter
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS
from clustering_pipeline.pipeline.run.columns import ASSIGNED_BY, CENTROID, FEATURE, KEYS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import (
    TEXT,
    is_within,
    payloads,
    read_members,
    results_of,
)
from clustering_pipeline.service.results.lineage import cluster_lineage

NEIGHBORS = 5
FIELDS = 8
_MOST_VALUES = 1_000
_MARK = "clustering_run_"
_PLACES = ("probability", "distance_to_centroid")


def group_details(
    pipeline: Pipeline, scope: Scope, cluster: str, group: str, *, run_id: str | None = None
) -> GroupDetails:
    """``group`` is an id of the run, a uid or a label.

    Raises ClusterNotFound, ExecutionNotFound, StateConflict before anything is published,
    GroupNotFound, also for a label that several groups have, and ArtifactNotFound.
    """
    record, execution = results_of(pipeline, scope, cluster, run_id)
    centroid = one_group(execution, group)
    table = CLUSTERS.read_at(pipeline.artifacts, execution.parquet_path or "")
    row = table.row(by_predicate=pl.col("cluster_id") == centroid.cluster_id, named=True)
    members = read_members(pipeline, execution)
    members = members.filter(pl.col(FEATURE).eq_missing(pl.lit(row[FEATURE], pl.String)))
    inside = members.select(is_within(centroid.cluster_id)).to_series().to_numpy()
    uid = centroid.group_uid
    history = cluster_lineage(pipeline.catalog, scope, cluster, group=uid).runs if uid else []
    return GroupDetails(
        cluster_id=centroid.cluster_id,
        group_uid=uid,
        run_id=execution.run_id,
        label=execution.label_of(centroid),
        label_source=row["source"],
        summary=centroid.summary,
        keywords=list(centroid.keywords or ()),
        member_count=centroid.num_members,
        share=centroid.num_members / max(members.height, 1),
        cohesion=row["mean_cosine_similarity"],
        separation=row["separation"],
        parent_cluster_id=centroid.parent_cluster_id,
        children=[
            other.cluster_id
            for other in execution.centroids or ()
            if other.parent_cluster_id == centroid.cluster_id
        ],
        neighbors=_neighbors(execution, table, row),
        representatives=_representatives(row, members.filter(inside)),
        fields=_standing_out(members, inside, own=set(record.resolved().target_fields)),
        history=history,
    )


def group_documents(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    group: str,
    *,
    run_id: str | None = None,
    condition: Filter | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> GroupDocumentsResponse:
    """A page of the documents of a group, or of noise; ``condition`` is asked of their payloads.

    Surest first, then nearest to the centroid.  Raises what :func:`group_details` does.
    """
    _, execution = results_of(pipeline, scope, cluster, run_id)
    chosen = NOISE_ID if group == NOISE_ID else one_group(execution, group).cluster_id
    rows = read_members(pipeline, execution, (*_PLACES, ASSIGNED_BY)).filter(is_within(chosen))
    rows = rows.sort(*_PLACES, "document_id", descending=[True, False, False], nulls_last=True)
    if condition is not None:
        rows = rows.filter(pl.Series([matches(condition, payload) for payload in payloads(rows)]))
    page = rows.slice(offset, limit)
    return GroupDocumentsResponse(
        cluster_id=chosen,
        run_id=execution.run_id,
        total_count=rows.height,
        results=list(_documents(page)),
    )


def one_group(execution: ExecutionRecord, given: str) -> ClusterExecutionCentroid:
    """The group of a run by id, uid or label; raises GroupNotFound."""
    groups = execution.centroids or ()
    named = [group for group in groups if given in {group.cluster_id, group.group_uid}]
    named = named or [group for group in groups if execution.label_of(group) == given]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(group.cluster_id for group in named[:10])
        message = f"{len(named)} groups are called {given[:200]!r}: name one by its id: {ids}"
        raise GroupNotFound(message)
    message = (
        f"{execution.run_id} has no group {given[:200]!r}, by id, uid or label: list its groups"
    )
    raise GroupNotFound(message)


def _documents(rows: pl.DataFrame) -> Iterator[GroupDocument]:
    names = ("document_id", "collection_id", "cluster_id", *_PLACES, ASSIGNED_BY)
    for row, payload in zip(rows.select(names).iter_rows(named=True), payloads(rows), strict=True):
        yield GroupDocument(**row, payload=payload)


def _neighbors(
    execution: ExecutionRecord, table: pl.DataFrame, row: Mapping[str, Any]
) -> list[NearGroup]:
    """Of the same clustering and level, by the cosine of their centroids."""
    if row.get(CENTROID) is None:
        return []
    others = table.filter(
        pl.col(CENTROID).is_not_null(),
        pl.col(FEATURE).eq_missing(pl.lit(row[FEATURE], pl.String)),
        pl.col("cluster_id") != row["cluster_id"],
        hierarchy_level=row["hierarchy_level"],
    )
    if others.is_empty():
        return []
    # A group whose documents cancel out points nowhere, and is near to none.
    units = unit_rows(np.array([row[CENTROID], *others[CENTROID].to_list()]))
    cosines = units[1:] @ units[0]
    groups = {group.cluster_id: group for group in execution.centroids or ()}
    nearest = np.argsort(-cosines, kind="stable")[:NEIGHBORS]
    return [
        _near(execution, groups[others["cluster_id"][int(place)]], float(cosines[place]))
        for place in nearest
    ]


def _near(execution: ExecutionRecord, group: ClusterExecutionCentroid, cosine: float) -> NearGroup:
    return NearGroup(
        cluster_id=group.cluster_id,
        group_uid=group.group_uid,
        label=execution.label_of(group),
        member_count=group.num_members,
        cosine=cosine,
    )


def _representatives(row: Mapping[str, Any], members: pl.DataFrame) -> list[RepresentativeText]:
    ids = row["representative_ids"] or []
    known = members.filter(pl.col("document_id").is_in(ids)).unique(KEYS, maintain_order=True)
    # Documents of two collections may go by one id.
    return [
        RepresentativeText(document_id=document, collection_id=own["collection_id"], text=own[TEXT])
        for document in dict.fromkeys(ids)
        for own in known.filter(document_id=document).iter_rows(named=True)
    ]


def _standing_out(members: pl.DataFrame, inside: np.ndarray, *, own: set[str]) -> list[StandingOut]:
    """Of all top-level fields but those that runs write."""
    fields: dict[str, list[tuple[Any, ...]]] = {}
    for place, payload in enumerate(payloads(members)):
        for name, value in payload.items():
            if name not in own and not name.startswith(_MARK) and (kept := _scalars(value)):
                column = fields.setdefault(name, [()] * members.height)
                column[place] = kept
    telling = [
        (name, value)
        for name, values in fields.items()
        if _repeats(values)
        for value in outstanding(inside, values)
    ]
    telling.sort(key=lambda pair: -pair[1].score)
    return [_shown(name, value) for name, value in telling[:FIELDS]]


def _shown(name: str, value: Outstanding) -> StandingOut:
    return StandingOut(
        field=name, value=value.value, share=value.inside, share_elsewhere=value.outside
    )


def _scalars(value: Any) -> tuple[Any, ...]:
    """What a document says at a field: one value, or each of a list once."""
    values = value if isinstance(value, list) else [value]
    return tuple(
        dict.fromkeys(
            item
            for item in values
            if isinstance(item, bool | int | str) and (not isinstance(item, str) or len(item) < 100)
        )
    )


def _repeats(values: Sequence[tuple[Any, ...]]) -> bool:
    """Whether documents share its values: ids and texts are of one document each."""
    distinct = {value for own in values for value in own}
    present = sum(bool(own) for own in values)
    return len(distinct) <= min(_MOST_VALUES, present / 2)
