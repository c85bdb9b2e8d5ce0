"""The share of each group in segments of the documents, and a number of theirs by group."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.metrics.proportions import MOST_RESAMPLED, difference, mean, share
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.analysis import (
    ComparisonResponse,
    GroupNumbers,
    NumbersResponse,
    SegmentedGroup,
    Share,
)
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import read_members, results_of, values_at
from clustering_pipeline.service.results.groups import names_of
from clustering_pipeline.service.results.timeline import on_top, one_clustering, top_groups

MOST_SEGMENTS = 20
_SHOWN = 10


def comparison(
    pipeline: Pipeline,
    scope: Scope,
    cluster: str,
    field: str,
    *,
    values: Sequence[str] = (),
    run_id: str | None = None,
) -> ComparisonResponse:
    """The share of each group in the documents of each of ``values``, with intervals.

    Values are compared as text; without any, the ten most frequent ones are.  A document whose
    field holds a list is in the segment of each item.  Raises ClusterNotFound, ExecutionNotFound,
    StateConflict before anything is published, and InvalidRequest where no document has a value of
    the field or one of ``values``, and for more than 20 of them.
    """
    record, execution = results_of(pipeline, scope, cluster, run_id)
    rows = one_clustering(read_members(pipeline, execution))
    own = [_texts(value) for value in values_at(rows, field)]
    segments = _segments(own, values, field)
    places = {segment: place for place, segment in enumerate(segments)}
    groups = top_groups(execution, tops := on_top(rows))
    numbers = {group: number for number, group in enumerate(groups)}
    counts = np.zeros((len(groups), len(segments)), dtype=np.int64)
    for texts, group in zip(own, tops, strict=True):
        for text in texts & places.keys():
            counts[numbers[group], places[text]] += 1
    totals = counts.sum(axis=0)
    names, uids = names_of(execution), execution.uids
    table = [
        SegmentedGroup(
            group_uid=uids.get(group),
            cluster_id=group,
            label=names.get(group),
            segments=[_share(counts[numbers[group]], totals, place) for place in places.values()],
        )
        for group in groups
    ]
    table.sort(key=lambda row: (row.cluster_id == NOISE_ID, -_largest_difference(row)))
    return ComparisonResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        field=field,
        values=segments,
        totals=totals.tolist(),
        groups=table,
        without_value=sum(not texts for texts in own),
        other_values=sum(bool(texts) and not texts & places.keys() for texts in own),
    )


def numbers_by_group(
    pipeline: Pipeline, scope: Scope, cluster: str, field: str, *, run_id: str | None = None
) -> NumbersResponse:
    """What a number of the documents (cost, rating) is like in each group.

    Raises ClusterNotFound, ExecutionNotFound, StateConflict before anything is published, and
    InvalidRequest where no document has a number there.
    """
    record, execution = results_of(pipeline, scope, cluster, run_id)
    rows = one_clustering(read_members(pipeline, execution))
    by_group: dict[str, list[float]] = {}
    for value, group in zip(values_at(rows, field), on_top(rows), strict=True):
        if isinstance(value, int | float) and not isinstance(value, bool):
            by_group.setdefault(group, []).append(float(value))
    if not by_group:
        message = f"no document of {record.name!r} has a number at {field!r}: name another field"
        raise InvalidRequest(message)
    names, uids = names_of(execution), execution.uids
    table = [
        _numbers(uids.get(group), group, names.get(group), np.array(values, dtype=np.float64))
        for group, values in by_group.items()
    ]
    table.sort(key=lambda row: (row.cluster_id == NOISE_ID, -row.mean, row.cluster_id or ""))
    return NumbersResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id,
        field=field,
        groups=table,
        without_number=rows.height - sum(map(len, by_group.values())),
    )


def _texts(value: Any) -> set[str]:
    """The segments that a document is in."""
    return set(_spelled(value if isinstance(value, list) else [value]))


def _spelled(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, float) and value.is_integer():
            yield str(int(value))
        elif isinstance(value, str | int | float):
            yield str(value)


def _segments(own: Sequence[set[str]], values: Sequence[str], field: str) -> list[str]:
    counted = Counter(text for texts in own for text in sorted(texts))
    if not counted:
        message = f"no document has a value of {field!r}: name a field that holds text or numbers"
        raise InvalidRequest(message)
    if not values:
        return [text for text, _ in counted.most_common(_SHOWN)]
    segments = list(dict.fromkeys(values))
    if len(segments) > MOST_SEGMENTS:
        message = f"{len(segments)} values of {field!r} are too many: name {MOST_SEGMENTS} at most"
        raise InvalidRequest(message)
    for value in segments:
        if value not in counted:
            known = ", ".join(repr(text[:40]) for text, _ in counted.most_common(_SHOWN))
            message = f"no document has {value[:60]!r} at {field!r}; there are: {known}"
            raise InvalidRequest(message)
    return segments


def _share(counts: NDArray[np.int64], totals: NDArray[np.int64], place: int) -> Share:
    count, total = int(counts[place]), int(totals[place])
    others, rest = int(counts.sum()) - count, int(totals.sum()) - total
    own = share(count, total)
    cell = Share(documents=count, share=own.value, low=own.low, high=own.high)
    if not rest:
        return cell
    apart = difference((count, total), (others, rest))
    return cell.model_copy(
        update={
            "difference": apart.value,
            "difference_low": apart.low,
            "difference_high": apart.high,
            "differs": apart.low > 0 or apart.high < 0,
        }
    )


def _largest_difference(row: SegmentedGroup) -> float:
    return max(abs(cell.difference or 0) for cell in row.segments)


def _numbers(
    uid: str | None, group: str, label: str | None, values: NDArray[np.float64]
) -> GroupNumbers:
    middle = mean(values)
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return GroupNumbers(
        group_uid=uid,
        cluster_id=group,
        label=label,
        documents=len(values),
        mean=middle.value,
        low=middle.low,
        high=middle.high,
        interval="normal" if len(values) > MOST_RESAMPLED else "bootstrap",
        median=float(median),
        lower_quartile=float(lower),
        upper_quartile=float(upper),
        total=float(values.sum()),
    )
