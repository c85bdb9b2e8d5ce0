"""Clustering while the client waits, without a stored definition."""

from fastapi import APIRouter
from starlette.responses import Response

from clustering_pipeline.api.dependencies import Caller, TheServices, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.definitions.one_shot import (
    ExecuteClusterRequest,
    ExecuteClusterResponse,
)
from clustering_pipeline.model.errors import Forbidden

router = APIRouter(prefix="/clusters", tags=["clusters"])


@router.post("/execute", response_model=ExecuteClusterResponse, responses=documented(404))
async def execute_clustering(
    request: ExecuteClusterRequest, caller: Writer, services: TheServices
) -> Response:
    """Cluster a small collection now and answer with its groups.

    Past the limits of documents and time the answer is 422: store a definition and execute that.
    """
    _check_owner(caller, request)
    response = await services.one_shots.execute(caller.scope, request)
    # Already valid: a second look at ten thousand members would keep other calls waiting.
    return Response(response.model_dump_json(), media_type="application/json")


def _check_owner(caller: Caller, request: ExecuteClusterRequest) -> None:
    own = {
        "namespace_id": (request.namespace_id, caller.scope.namespace_id),
        "internal_id": (request.internal_id, caller.scope.organization_id),
    }
    for name, (given, own_id) in own.items():
        if given is not None and given != own_id:
            message = f"{name} {given[:200]!r} is not that of this call: leave it out"
            raise Forbidden(message)
