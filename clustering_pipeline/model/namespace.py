"""A namespace: the border within which names are unique and records see each other."""

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment


class NamespaceRecord(Record):
    """A namespace of an organisation."""

    namespace_id: str
    namespace_name: str
    organization_id: str
    created_at: Moment

    @property
    def scope(self) -> Scope:
        """The namespace it belongs to."""
        return Scope(organization_id=self.organization_id, namespace_id=self.namespace_id)
