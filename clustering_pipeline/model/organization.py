"""An organisation: who owns namespaces and keys."""

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.times import Moment


class OrganizationRecord(Record):
    """An organisation."""

    organization_id: str
    organization_name: str
    created_at: Moment
