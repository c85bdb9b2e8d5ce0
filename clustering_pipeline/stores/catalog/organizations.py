"""The organisations."""

from dataclasses import dataclass

from clustering_pipeline.model.errors import NameTaken, OrganizationNotFound
from clustering_pipeline.model.ids import looks_like_id, new_id
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.tenants.namespace import OrganizationRecord
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.table import Duplicate, Table

LOCAL_NAME = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organizations:
    """Organisations: a laptop's own is always there."""

    table: Table
    clock: Clock

    def ensure_local(self) -> None:
        """The organisation of a laptop, made on first use."""
        if self.table.find_one({"_id": LOCAL.organization_id}) is None:
            self._insert(self._new(LOCAL.organization_id, LOCAL_NAME))

    def create(self, name: str) -> OrganizationRecord:
        """A new organisation; raises NameTaken."""
        return self._insert(self._new(new_id("int"), name))

    def get(self, identifier: str) -> OrganizationRecord:
        """By id or name; raises OrganizationNotFound."""
        key = "_id" if looks_like_id(identifier) else "organization_name"
        found = self.table.find_one({key: identifier})
        if found is None:
            message = f"no organisation {identifier[:200]!r} here: organizations list shows them"
            raise OrganizationNotFound(message)
        return OrganizationRecord.model_validate(found)

    def list(self) -> list[OrganizationRecord]:
        """All of them, by name."""
        found = self.table.find({}, sort=[("organization_name", 1)])
        return [OrganizationRecord.model_validate(one) for one in found]

    def _new(self, organization_id: str, name: str) -> OrganizationRecord:
        return OrganizationRecord(
            organization_id=organization_id, organization_name=name, created_at=self.clock()
        )

    def _insert(self, record: OrganizationRecord) -> OrganizationRecord:
        try:
            self.table.insert({"_id": record.organization_id, **record.model_dump(mode="json")})
        except Duplicate as duplicate:
            if duplicate.concerns("_id"):
                # Somebody else made the same one just now.
                return self.get(record.organization_id)
            message = f"an organisation named {record.organization_name!r} exists already"
            raise NameTaken(message) from duplicate
        return record
