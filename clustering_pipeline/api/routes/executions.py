"""Executions: started, read, listed, cancelled, named, followed as tasks, and what the labels of
one would cost.
"""

from asyncio import sleep
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Body, Header, Query, Request
from starlette.concurrency import run_in_threadpool

from clustering_pipeline.api.addresses import ClusterIdentifier, RunId, TaskId
from clustering_pipeline.api.dependencies import (
    Caller,
    Reader,
    TheCatalog,
    TheKey,
    ThePipeline,
    TheServices,
    TheWritingKey,
    Writer,
)
from clustering_pipeline.api.errors import documented
from clustering_pipeline.api.paging import Page, ThePage
from clustering_pipeline.api.services import Services
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.views import GenericDeleteResponse
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ClusterExecutionResult
from clustering_pipeline.model.executions.label_overrides import (
    LabelOverridesRequest,
    PatchExecutionLabelsResponse,
    PatchExecutionRunNameResponse,
    RunNameRequest,
    labels_of,
    name_of,
)
from clustering_pipeline.model.executions.task import QueuedRun, TaskResponse, task_of
from clustering_pipeline.model.executions.views import LabelEstimateResponse
from clustering_pipeline.model.listing import (
    ListClusterExecutionsRequest,
    ListClusterExecutionsResponse,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.service.executions.cancel import cancel_queued
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.edits import name_groups
from clustering_pipeline.service.results.groups import with_vectors
from clustering_pipeline.service.results.label_estimate import estimate_labels
from clustering_pipeline.stores.catalog import Catalog

router = APIRouter(prefix="/clusters/{cluster_identifier}", tags=["executions"])
MOST_WAIT = 60
WAIT_SECONDS = 0.5

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


estimate_router = APIRouter(prefix="/clusters/{cluster_identifier}/estimate", tags=["clusters"])


@estimate_router.post("", responses=documented(404, 409))
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


name_router = APIRouter(
    prefix="/clusters/{cluster_identifier}/executions/{run_id}", tags=["results"]
)


@name_router.patch("/labels", responses=documented(404, 409))
def patch_execution_labels(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    request: LabelOverridesRequest,
    caller: Writer,
    services: TheServices,
) -> PatchExecutionLabelsResponse:
    """Rename groups of an execution; an empty name gives a group its own label back."""
    execution, uids = name_groups(
        services.pipeline.catalog, caller.scope, cluster_identifier, run_id, request.labels
    )
    services.launches.rename(execution.cluster_id, uids)
    return labels_of(execution)


@name_router.patch("/name", responses=documented(404, 409))
def patch_execution_run_name(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    request: RunNameRequest,
    caller: Writer,
    catalog: TheCatalog,
) -> PatchExecutionRunNameResponse:
    """Name an execution; an empty name clears it."""
    record = catalog.clusters.get(caller.scope, cluster_identifier)
    return name_of(
        catalog.executions.name(
            caller.scope, run_id, request.run_name, cluster_id=record.cluster_id
        )
    )


# Tasks are in no namespace.
task_router = APIRouter(prefix="/tasks", tags=["tasks"])


@task_router.get("/{task_id}", responses=documented(404))
async def get_task(
    task_id: TaskId,
    key: TheKey,
    services: TheServices,
    request: Request,
    *,
    wait: Annotated[
        int, Query(ge=0, le=MOST_WAIT, description="Seconds to wait for its end before answering.")
    ] = 0,
) -> TaskResponse:
    """Read how far a task is; with `wait` the answer comes when it has ended, or after that time.

    That is an extension of this server's.
    """
    until = monotonic() + wait
    # Waiting holds no thread: any number of callers may do so.
    task = await run_in_threadpool(_read_task, services, task_id, key.reaches)
    while not task.ended and monotonic() < until and not await request.is_disconnected():
        await sleep(min(WAIT_SECONDS, max(0.0, until - monotonic())))
        task = await run_in_threadpool(_read_task, services, task_id, key.reaches)
    return task


def _read_task(services: Services, task_id: str, sees: Callable[[Scope], bool]) -> TaskResponse:
    task = services.pipeline.catalog.tasks.get(task_id, sees=sees)
    return task.waiting_for(services.launcher.missing()) if task.waits else task


@task_router.delete("/{task_id}", responses=documented(404))
def delete_task(
    task_id: TaskId, key: TheWritingKey, services: TheServices
) -> GenericDeleteResponse:
    """Cancel a task; may be repeated, and leaves one that has ended as it is."""
    catalog = services.pipeline.catalog
    task = catalog.tasks.find(task_id, sees=key.reaches)
    with suppress(StateConflict):
        if isinstance(task, QueuedRun):
            cancel_queued(catalog, task, services.launcher)
        else:
            services.launches.cancel(task.scope, task.run_id)
    return GenericDeleteResponse(message=f"canceled {task_id}")
