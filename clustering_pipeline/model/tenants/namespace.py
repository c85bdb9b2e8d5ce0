"""A namespace: the border within which names are unique and records see each other."""

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.names import Name
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment


class NamespaceRecord(Record):
    """A namespace of an organisation."""

    namespace_id: str
    """Its id, ``ns_…``."""
    namespace_name: str
    """Its name, unique in the organisation."""
    organization_id: str
    """The organisation it belongs to."""
    created_at: Moment
    """When it was made."""

    @property
    def scope(self) -> Scope:
        """The namespace it belongs to."""
        return Scope(organization_id=self.organization_id, namespace_id=self.namespace_id)


class CreateNamespaceRequest(RequestModel):
    """A new namespace."""

    namespace_name: Name
    """Its name, unique in the organisation."""


class ListNamespacesResponse(View):
    """The namespaces that a key may use."""

    results: list[NamespaceRecord]
    """The namespaces, by name."""


class OrganizationRecord(Record):
    """An organisation."""

    organization_id: str
    organization_name: str
    created_at: Moment


class CreateOrganizationRequest(RequestModel):
    """A new organisation."""

    organization_name: Name
    """Its name, unique on this server."""
