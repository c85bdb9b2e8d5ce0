"""Namespaces of the key's organisation."""

from fastapi import APIRouter

from clustering_pipeline.api.dependencies import TheCatalog, TheKey, TheWritingKey
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.errors import Forbidden
from clustering_pipeline.model.tenants import (
    CreateNamespaceRequest,
    ListNamespacesResponse,
    NamespaceRecord,
)

router = APIRouter(prefix="/namespaces", tags=["namespaces"])


@router.post("", responses=documented(409))
def create_namespace(
    request: CreateNamespaceRequest, key: TheWritingKey, catalog: TheCatalog
) -> NamespaceRecord:
    """Make a namespace; takes a key for all namespaces of its organisation."""
    if key.namespace_ids is not None:
        message = f"the key {key.hint} is for some namespaces only: use one for all of them"
        raise Forbidden(message)
    return catalog.namespaces.create(key.organization_id, request.namespace_name)


@router.get("")
def list_namespaces(key: TheKey, catalog: TheCatalog) -> ListNamespacesResponse:
    """List the namespaces that the key may use, by name."""
    namespaces = catalog.namespaces.list(key.organization_id)
    return ListNamespacesResponse(
        results=[namespace for namespace in namespaces if key.reaches(namespace.scope)]
    )
