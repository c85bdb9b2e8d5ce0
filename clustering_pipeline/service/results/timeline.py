"""The groups of a definition over time: by a date of their documents, or from run to run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

import polars as pl

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.analysis import GroupCounts, TimelineResponse
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID, TOP_ID
from clustering_pipeline.model.periods import (
    Every,
    period_name,
    period_of,
    periods,
    read_date,
    zone_named,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID, FEATURE
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import read_members, results_of, values_at

_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """The documents with a readable date: the start of its period, and their groups on top."""

    periods: list[datetime]
    groups: list[str]
    without: int
    unreadable: list[str]


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
    dated = _dated(one_clustering(read_members(pipeline, execution)), by, every, zone_named(zone))
    if not dated.periods:
        raise InvalidRequest(_no_dates(dated, by))
    starts = list(periods(min(dated.periods), max(dated.periods), every))
    places = {start: place for place, start in enumerate(starts)}
    counted = Counter(
        (group, places[period]) for group, period in zip(dated.groups, dated.periods, strict=True)
    )
    totals = Counter(dated.periods)
    sums = [totals[start] for start in starts]
    return TimelineResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        by=by,
        every=every,
        periods=[period_name(start, every) for start in starts],
        totals=sums,
        groups=[
            group_counts(
                execution, group, [counted[group, place] for place in range(len(sums))], sums
            )
            for group in top_groups(execution, dated.groups)
        ],
        without_date=dated.without,
        unreadable=len(dated.unreadable),
        unreadable_examples=list(dict.fromkeys(dated.unreadable))[:_EXAMPLES],
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
    named = {uid: (None, label) for run in runs for uid, label in run.labels.items()} | {
        uid: (group, newest.labels[uid]) for group, uid in newest.uids.items()
    }
    totals = [run.num_points for run in runs]
    rows = [
        _over_runs(uid, named[uid], [size.get(uid, 0) for size in sizes], totals)
        for uid in dict.fromkeys(uid for size in reversed(sizes) for uid in size)
    ]
    noise = [run.pipeline_drop or 0 for run in runs]
    rows.append(_over_runs(None, (NOISE_ID, "Noise"), noise, totals))
    return TimelineResponse(
        cluster_id=record.cluster_id,
        run_id=newest.run_id,
        periods=[run.run_id for run in runs],
        dates=[run.created_at for run in runs],
        totals=totals,
        groups=rows,
    )


def _over_runs(
    uid: str | None, named: tuple[str | None, str], counts: list[int], totals: Sequence[int]
) -> GroupCounts:
    cluster_id, label = named
    return GroupCounts(
        group_uid=uid,
        cluster_id=cluster_id,
        label=label,
        counts=counts,
        shares=_shares(counts, totals),
    )


def group_counts(
    execution: ExecutionRecord, group: str, counts: list[int], totals: Sequence[int]
) -> GroupCounts:
    """A row of the result: a group on top of the hierarchy, or noise."""
    uid = execution.uids.get(group)
    return GroupCounts(
        group_uid=uid,
        cluster_id=group,
        label=label_of(execution, group),
        counts=counts,
        shares=_shares(counts, totals),
    )


def label_of(execution: ExecutionRecord, group: str) -> str | None:
    """What readers see a group called, and noise."""
    labels = {other.cluster_id: execution.label_of(other) for other in execution.centroids or ()}
    return labels.get(group, "Noise" if group == NOISE_ID else None)


def top_groups(execution: ExecutionRecord, present: Sequence[str]) -> list[str]:
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


def _shares(counts: Sequence[int], totals: Sequence[int]) -> list[float]:
    return [count / total if total else 0.0 for count, total in zip(counts, totals, strict=True)]


def _dated(rows: pl.DataFrame, by: str, every: Every, zone: ZoneInfo) -> Dated:
    starts, groups, unreadable, without = [], [], [], 0
    for value, group in zip(values_at(rows, by), on_top(rows), strict=True):
        if value is None or value == "":
            without += 1
            continue
        moment = read_date(value, zone)
        if moment is None:
            unreadable.append(str(value)[:60])
            continue
        starts.append(period_of(moment, every))
        groups.append(group)
    return Dated(periods=starts, groups=groups, without=without, unreadable=unreadable)


def _no_dates(dated: Dated, by: str) -> str:
    if dated.unreadable:
        return (
            f"no {by!r} of a document is a date, for example {dated.unreadable[0]!r}: dates are "
            "ISO 8601 text or numbers since 1970"
        )
    return f"no document has a {by!r}: name a field that holds a date"
