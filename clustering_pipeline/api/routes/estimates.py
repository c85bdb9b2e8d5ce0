"""What an execution would cost, before it is asked for."""

from typing import Annotated

from fastapi import APIRouter, Body

from clustering_pipeline.api.addresses import ClusterIdentifier
from clustering_pipeline.api.dependencies import Reader, ThePipeline
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.executions.views import LabelEstimateResponse
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.label_estimate import estimate_labels

router = APIRouter(prefix="/clusters/{cluster_identifier}/estimate", tags=["clusters"])


@router.post("", responses=documented(404, 409))
def estimate_cluster_labels(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    request: Annotated[ExecuteClusterByIdRequest | None, Body()] = None,
) -> LabelEstimateResponse:
    """Tell what the labels of an execution with this body would take; nothing is run or asked."""
    overrides = request or ExecuteClusterByIdRequest()
    record = pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    spec = record.resolved(overrides)
    estimate = estimate_labels(pipeline, spec, plan=plan_of(pipeline, spec))
    return LabelEstimateResponse.model_validate(estimate)
