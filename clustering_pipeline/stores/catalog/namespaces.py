"""The namespaces of organisations."""

from dataclasses import dataclass

from clustering_pipeline.model.errors import NamespaceNotFound, NameTaken
from clustering_pipeline.model.ids import looks_like_id, new_id
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.tenants.namespace import NamespaceRecord
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.table import Document, Duplicate, Table

DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """Namespaces: the default one is always there."""

    table: Table
    clock: Clock

    def ensure_default(self) -> NamespaceRecord:
        """The namespace of a laptop, made on first use."""
        return self.ensure(LOCAL, DEFAULT_NAME)

    def ensure(self, scope: Scope, name: str) -> NamespaceRecord:
        """The namespace, made if it is not there."""
        found = self.table.find_one({"_id": scope.namespace_id})
        if found is not None:
            return NamespaceRecord.model_validate(found)
        return self._insert(self._new(scope, name))

    def create(self, organization_id: str, name: str) -> NamespaceRecord:
        """A new namespace; raises NameTaken."""
        scope = Scope(organization_id=organization_id, namespace_id=new_id("ns"))
        return self._insert(self._new(scope, name))

    def get(self, organization_id: str, identifier: str) -> NamespaceRecord:
        """By id or name, within the organisation; raises NamespaceNotFound."""
        key = "_id" if looks_like_id(identifier) else "namespace_name"
        found = self.table.find_one({"organization_id": organization_id, key: identifier})
        if found is None:
            message = f"no namespace {identifier[:200]!r} here"
            raise NamespaceNotFound(message)
        return NamespaceRecord.model_validate(found)

    def list(self, organization_id: str) -> list[NamespaceRecord]:
        """The namespaces of an organisation, by name."""
        found = self.table.find({"organization_id": organization_id}, sort=[("namespace_name", 1)])
        return [NamespaceRecord.model_validate(one) for one in found]

    def _new(self, scope: Scope, name: str) -> NamespaceRecord:
        return NamespaceRecord(
            namespace_id=scope.namespace_id,
            namespace_name=name,
            organization_id=scope.organization_id,
            created_at=self.clock(),
        )

    def _insert(self, record: NamespaceRecord) -> NamespaceRecord:
        try:
            self.table.insert(_to_document(record))
        except Duplicate as duplicate:
            if duplicate.concerns("_id"):
                # Somebody else made the same one just now.
                return self.get(record.organization_id, record.namespace_id)
            message = f"a namespace named {record.namespace_name!r} exists already"
            raise NameTaken(message) from duplicate
        return record


def _to_document(record: NamespaceRecord) -> Document:
    return {"_id": record.namespace_id, **record.model_dump(mode="json")}
