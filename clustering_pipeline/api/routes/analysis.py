"""The groups over time, by segments of the documents, and by a number of theirs."""

from typing import Annotated

from fastapi import APIRouter, Query

from clustering_pipeline.api.addresses import ClusterIdentifier
from clustering_pipeline.api.dependencies import Reader, ThePipeline
from clustering_pipeline.api.errors import documented
from clustering_pipeline.api.routes.groups import OtherRun
from clustering_pipeline.model.executions.analysis import (
    ComparisonResponse,
    NumbersResponse,
    TimelineResponse,
)
from clustering_pipeline.model.periods import Every
from clustering_pipeline.service.results.segments import comparison, numbers_by_group
from clustering_pipeline.service.results.timeline import timeline, timeline_of_runs

router = APIRouter(prefix="/clusters/{cluster_identifier}", tags=["analysis"])
Field = Annotated[
    str, Query(min_length=1, max_length=200, description="A payload field; dots lead inward.")
]


@router.get("/timeline", responses=documented(404, 409))
def get_cluster_timeline(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    by: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description="The field whose date counts; without it, run by run.",
        ),
    ] = None,
    every: Annotated[Every, Query(description="How long a period is.")] = "month",
    zone: Annotated[
        str, Query(max_length=60, description="The time zone in which periods begin.")
    ] = "UTC",
    run_id: OtherRun = None,
) -> TimelineResponse:
    """Count each group's documents by a date of theirs, or from run to run."""
    if by is None:
        return timeline_of_runs(pipeline, caller.scope, cluster_identifier)
    return timeline(
        pipeline, caller.scope, cluster_identifier, by, every=every, zone=zone, run_id=run_id
    )


@router.get("/compare", responses=documented(404, 409))
def compare_cluster_segments(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    field: Field,
    *,
    values: Annotated[
        str | None, Query(max_length=2000, description="Values to compare, separated by commas.")
    ] = None,
    run_id: OtherRun = None,
) -> ComparisonResponse:
    """Tell the share of each group in segments of the documents, with 95 % intervals."""
    asked = values.split(",") if values else ()
    return comparison(
        pipeline, caller.scope, cluster_identifier, field, values=asked, run_id=run_id
    )


@router.get("/numbers", responses=documented(404, 409))
def get_cluster_numbers(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    field: Field,
    *,
    run_id: OtherRun = None,
) -> NumbersResponse:
    """Tell what a number of the documents is like in each group."""
    return numbers_by_group(pipeline, caller.scope, cluster_identifier, field, run_id=run_id)
