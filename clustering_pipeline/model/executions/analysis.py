"""The groups of a definition over time, by segments of the documents, and by a number of theirs."""

from typing import Literal

from pydantic import Field

from clustering_pipeline.model.base import View
from clustering_pipeline.model.periods import Every
from clustering_pipeline.model.times import Moment


class GroupCounts(View):
    """A group, or noise, period by period or run by run."""

    group_uid: str | None = None
    """Its id across runs; null for noise."""
    cluster_id: str | None = None
    """Its id within the published run; null where that has it no more."""
    label: str | None = None
    """Its name."""
    counts: list[int]
    """Its documents, period by period."""
    shares: list[float]
    """Of all documents of a period, noise included; 0 where there are none."""


class TimelineResponse(View):
    """How many documents of each group are of which time: an extension of this server's."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The run; over runs the newest."""
    by: str | None = None
    """The field whose date counts; null where the columns are runs."""
    every: Every | None = None
    """How long a period is."""
    periods: list[str]
    """The first day of each period (of hours, the hour), or each run, oldest first."""
    dates: list[Moment] = Field(default_factory=list)
    """Over runs, when each was published."""
    totals: list[int]
    """Documents of each period."""
    groups: list[GroupCounts]
    """Largest first; noise, which is no group, comes last."""
    without_date: int = 0
    """Documents that have no such field."""
    unreadable: int = 0
    """Documents whose field is no date."""
    unreadable_examples: list[str] = Field(default_factory=list)
    """What stands in some of them."""


class Share(View):
    """The share of a group in a segment."""

    documents: int
    """Documents of the segment in the group."""
    share: float
    """Of all documents of the segment, noise included."""
    low: float
    """Lower end of Wilson's 95 % interval."""
    high: float
    """Its upper end."""
    difference: float | None = None
    """The share less that in all other segments together; null where there are none."""
    difference_low: float | None = None
    """Lower end of Newcombe's 95 % interval."""
    difference_high: float | None = None
    """Its upper end."""
    differs: bool = False
    """Whether that interval leaves out 0; of twenty shares one does so by chance."""


class SegmentedGroup(View):
    """A group, or noise, segment by segment."""

    group_uid: str | None = None
    """Its id across runs; null for noise."""
    cluster_id: str | None = None
    """Its id within the run."""
    label: str | None = None
    """Its name."""
    segments: list[Share]
    """Its share of each segment."""


class ComparisonResponse(View):
    """The share of each group in each segment of the documents: an extension of this server's."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The run."""
    field: str
    """The field that makes the segments."""
    values: list[str]
    """The segments: values of the field as text."""
    totals: list[int]
    """Documents of each segment."""
    groups: list[SegmentedGroup]
    """Those first whose shares differ most; noise, which is no group, comes last."""
    without_value: int
    """Documents without the field."""
    other_values: int
    """Documents of values that are not compared."""


class GroupNumbers(View):
    """A number of the documents of a group, or of noise."""

    group_uid: str | None = None
    """Its id across runs; null for noise."""
    cluster_id: str | None = None
    """Its id within the run."""
    label: str | None = None
    """Its name."""
    documents: int
    """Documents that have the number."""
    mean: float
    """Their mean."""
    low: float
    """Lower end of the mean's 95 % interval."""
    high: float
    """Its upper end."""
    interval: Literal["bootstrap", "normal"]
    """How the interval was made: by 1,000 resamples, beyond 5,000 documents by the normal curve."""
    median: float
    """Their median."""
    lower_quartile: float
    """A quarter lies below."""
    upper_quartile: float
    """A quarter lies above."""
    total: float
    """Their sum."""


class NumbersResponse(View):
    """A number of the documents, by group: an extension of this server's."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The run."""
    field: str
    """The field."""
    groups: list[GroupNumbers]
    """Largest mean first; noise, which is no group, comes last."""
    without_number: int
    """Documents without a number there."""
