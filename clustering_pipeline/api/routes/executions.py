"""Executions: started, read, listed, cancelled."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Query

from clustering_pipeline.api.addresses import ClusterIdentifier, RunId
from clustering_pipeline.api.dependencies import (
    Caller,
    Reader,
    TheCatalog,
    ThePipeline,
    TheServices,
    Writer,
)
from clustering_pipeline.api.errors import documented
from clustering_pipeline.api.paging import Page, ThePage
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.executions.execution import ClusterExecutionResult
from clustering_pipeline.model.executions.task import TaskResponse, task_of
from clustering_pipeline.model.listing import (
    ListClusterExecutionsRequest,
    ListClusterExecutionsResponse,
)
from clustering_pipeline.service.results.groups import with_vectors
from clustering_pipeline.stores.catalog import Catalog

router = APIRouter(prefix="/clusters/{cluster_identifier}", tags=["executions"])

IncludeVectors = Annotated[bool, Query(description="Whether centroids carry their vectors.")]


@router.post("/execute", responses=documented(404, 409))
def execute_cluster(
    cluster_identifier: ClusterIdentifier,
    caller: Writer,
    services: TheServices,
    request: Annotated[ExecuteClusterByIdRequest | None, Body()] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="Calls with the same key start one run, and answer the same task.",
        ),
    ] = None,
) -> TaskResponse:
    """Start a run and answer at once; overrides hold for this run only.

    While a run is under way, the answer is 409 with its `task_id`.
    """
    overrides = request or ExecuteClusterByIdRequest()
    execution = services.launches.start(
        caller.scope, cluster_identifier, overrides, idempotency_key=idempotency_key
    )
    return task_of(execution)


@router.get("/executions", responses=documented(404))
def get_latest_execution(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    include_vectors: IncludeVectors = False,
) -> ClusterExecutionResult | None:
    """Read the newest execution, however it went; null before the first."""
    cluster = pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    execution = pipeline.catalog.executions.latest(cluster.cluster_id)
    if execution is None:
        return None
    return with_vectors(pipeline.artifacts, execution) if include_vectors else execution.result()


@router.post("/executions/list", responses=documented(404))
def list_executions(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    catalog: TheCatalog,
    page: ThePage,
    request: Annotated[ListClusterExecutionsRequest | None, Body()] = None,
) -> ListClusterExecutionsResponse:
    """List the executions of a definition, newest first unless sorted, with sums over all matches.

    An empty body lists the newest.
    """
    return _listed(catalog, caller, cluster_identifier, page, request)


@router.get("/executions/list", responses=documented(404))
def list_executions_by_address(
    cluster_identifier: ClusterIdentifier, caller: Reader, catalog: TheCatalog, page: ThePage
) -> ListClusterExecutionsResponse:
    """List executions, asked for in the address; `next_page` leads here."""
    return _listed(catalog, caller, cluster_identifier, page, None)


@router.get("/executions/{run_id}", responses=documented(404))
def get_execution(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    include_vectors: IncludeVectors = False,
) -> ClusterExecutionResult:
    """Read one execution."""
    cluster = pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    execution = pipeline.catalog.executions.get(caller.scope, run_id, cluster_id=cluster.cluster_id)
    return with_vectors(pipeline.artifacts, execution) if include_vectors else execution.result()


@router.post("/executions/{run_id}/cancel", responses=documented(404, 409))
def cancel_execution(
    cluster_identifier: ClusterIdentifier, run_id: RunId, caller: Writer, services: TheServices
) -> ClusterExecutionResult:
    """Cancel an execution that is pending or processing; another answers 409."""
    catalog = services.pipeline.catalog
    cluster = catalog.clusters.get(caller.scope, cluster_identifier)
    execution = catalog.executions.get(caller.scope, run_id, cluster_id=cluster.cluster_id)
    services.launches.cancel(caller.scope, execution.run_id)
    return catalog.executions.by_id(execution.run_id).result()


def _listed(
    catalog: Catalog,
    caller: Caller,
    identifier: str,
    page: Page,
    request: ListClusterExecutionsRequest | None,
) -> ListClusterExecutionsResponse:
    cluster = catalog.clusters.get(caller.scope, identifier)
    asked = page.asked(request, ListClusterExecutionsRequest)
    return catalog.executions.list(caller.scope, cluster.cluster_id, asked)
