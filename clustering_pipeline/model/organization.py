"""An organisation: who owns namespaces and keys."""

from clustering_pipeline.model.base import Record, RequestModel
from clustering_pipeline.model.names import Name
from clustering_pipeline.model.times import Moment


class OrganizationRecord(Record):
    """An organisation."""

    organization_id: str
    organization_name: str
    created_at: Moment


class CreateOrganizationRequest(RequestModel):
    """A new organisation."""

    organization_name: Name
    """Its name, unique on this server."""
