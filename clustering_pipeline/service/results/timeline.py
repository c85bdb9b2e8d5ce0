"""The groups of a definition over time: by a date of their documents, or from run to run."""

from collections.abc import Iterable, Sequence
from typing import cast

import polars as pl

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.analysis import GroupCounts, TimelineResponse
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID, TOP_ID
from clustering_pipeline.model.periods import Every, Periods, dated, shares_of, zone_named
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.publishing.tables import NOISE_LABEL
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID, FEATURE
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import read_members, results_of, values_at
from clustering_pipeline.service.results.groups import names_of

_EXAMPLES = 3


def timeline(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    by: str,
    *,
    every: Every = "month",
    zone: str = "UTC",
    run_id: str | None = None,
) -> TimelineResponse:
    """Counts and shares of each group by ``by``, a date of its documents (a dotted path).

    Dates are read, and periods begin, in ``zone``.  Raises ClusterNotFound, ExecutionNotFound,
    StateConflict before anything is published, and InvalidRequest where no document has a date
    there, for an unknown zone, and where there would be more than 2,000 periods.
    """
    record, execution = results_of(pipeline, scope, cluster, run_id)
    rows = one_clustering(read_members(pipeline, execution))
    dates = dated(values_at(rows, by), every, zone_named(zone))
    if not dates.starts:
        raise InvalidRequest(_no_dates(dates, by))
    totals, counts = dates.totals, dates.counts(on_top(rows))
    names, uids = names_of(execution), execution.uids
    return TimelineResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        by=by,
        every=every,
        periods=list(dates.names),
        totals=totals,
        groups=[
            _counted(uids.get(group), group, names.get(group), counts[group], totals)
            for group in top_groups(execution, counts)
        ],
        without_date=dates.without,
        unreadable=len(dates.unreadable),
        unreadable_examples=list(dict.fromkeys(dates.unreadable))[:_EXAMPLES],
    )


def timeline_of_runs(pipeline: Pipeline, scope: Scope, cluster: str) -> TimelineResponse:
    """The same from run to run: how large each group was in every published run that is kept."""
    record, newest = results_of(pipeline, scope, cluster)
    ids = dict.fromkeys([*record.state.published_run_ids, newest.run_id])
    runs = [run for run in map(pipeline.catalog.executions.find, ids) if run and run.centroids]
    runs.sort(key=lambda run: run.created_at)
    sizes = [
        {
            group.group_uid: group.num_members
            for group in run.centroids or ()
            if group.group_uid and not group.hierarchy_level
        }
        for run in runs
    ]
    labels = {uid: label for run in runs for uid, label in run.labels.items()} | newest.labels
    groups = {uid: group for group, uid in newest.uids.items()}
    totals = [run.num_points for run in runs]
    rows = [
        _counted(uid, groups.get(uid), labels[uid], [size.get(uid, 0) for size in sizes], totals)
        for uid in dict.fromkeys(uid for size in reversed(sizes) for uid in size)
    ]
    noise = [run.pipeline_drop or 0 for run in runs]
    rows.append(_counted(None, NOISE_ID, NOISE_LABEL, noise, totals))
    return TimelineResponse(
        cluster_id=record.cluster_id,
        run_id=newest.run_id,
        periods=[run.run_id for run in runs],
        dates=[run.created_at for run in runs],
        totals=totals,
        groups=rows,
    )


def _counted(
    uid: str | None,
    cluster_id: str | None,
    label: str | None,
    counts: list[int],
    totals: Sequence[int],
) -> GroupCounts:
    return GroupCounts(
        group_uid=uid,
        cluster_id=cluster_id,
        label=label,
        counts=counts,
        shares=shares_of(counts, totals),
    )


def top_groups(execution: ExecutionRecord, present: Iterable[str]) -> list[str]:
    """The groups on top that documents are in, largest first, and noise."""
    known = set(present)
    groups = [group.cluster_id for group in execution.centroids or () if group.cluster_id in known]
    return [*groups, NOISE_ID] if NOISE_ID in known else groups


def one_clustering(rows: pl.DataFrame) -> pl.DataFrame:
    """Of independent features the members by the first one: so that a document counts once."""
    return rows.filter(pl.col(FEATURE).eq_missing(pl.first(FEATURE)))


def on_top(rows: pl.DataFrame) -> list[str]:
    """The group on top of each document's hierarchy."""
    return cast("list[str]", rows[CLUSTER_ID].str.extract(TOP_ID, 0).to_list())


def _no_dates(dates: Periods, by: str) -> str:
    if dates.unreadable:
        return (
            f"no {by!r} of a document is a date, for example {dates.unreadable[0]!r}: dates are "
            "ISO 8601 text or numbers since 1970"
        )
    return f"no document has a {by!r}: name a field that holds a date"
