"""Organisations, their namespaces and keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from clustering_pipeline.model.errors import (
    KeyNotFound,
    NamespaceNotFound,
    NameTaken,
    OrganizationNotFound,
)
from clustering_pipeline.model.ids import looks_like_id, new_id
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.tenants import (
    Access,
    KeyRecord,
    NamespaceRecord,
    OrganizationRecord,
    hash_of,
    hint_of,
    new_secret,
)
from clustering_pipeline.model.times import Clock, iso
from clustering_pipeline.stores.catalog.table import Duplicate, Table

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
        query = {"_id": scope.namespace_id}
        record = self.table.first(query, NamespaceRecord.model_validate)
        return record or self._insert(self._new(scope, name))

    def create(self, organization_id: str, name: str) -> NamespaceRecord:
        """A new namespace; raises NameTaken."""
        scope = Scope(organization_id=organization_id, namespace_id=new_id("ns"))
        return self._insert(self._new(scope, name))

    def get(self, organization_id: str, identifier: str) -> NamespaceRecord:
        """By id or name, within the organisation; raises NamespaceNotFound."""
        key = "_id" if looks_like_id(identifier) else "namespace_name"
        query = {"organization_id": organization_id, key: identifier}
        missing = NamespaceNotFound(f"no namespace {identifier[:200]!r} here")
        return self.table.record(query, NamespaceRecord.model_validate, missing)

    def list(self, organization_id: str) -> list[NamespaceRecord]:
        """The namespaces of an organisation, by name."""
        rows = self.table.find({"organization_id": organization_id}, sort=[("namespace_name", 1)])
        return [NamespaceRecord.model_validate(row) for row in rows]

    def _new(self, scope: Scope, name: str) -> NamespaceRecord:
        return NamespaceRecord(
            namespace_id=scope.namespace_id,
            namespace_name=name,
            organization_id=scope.organization_id,
            created_at=self.clock(),
        )

    def _insert(self, record: NamespaceRecord) -> NamespaceRecord:
        try:
            self.table.insert({"_id": record.namespace_id, **record.model_dump(mode="json")})
        except Duplicate as duplicate:
            if duplicate.concerns("_id"):
                # Somebody else made the same one just now.
                return self.get(record.organization_id, record.namespace_id)
            message = f"a namespace named {record.namespace_name!r} exists already"
            raise NameTaken(message) from duplicate
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made, with the secret that nobody can read again."""

    secret: str
    record: KeyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Keys of all organisations; a revoked one stays in the list and opens nothing."""

    table: Table
    clock: Clock

    def create(
        self,
        organization_id: str,
        *,
        access: Access,
        namespace_ids: Sequence[str] | None = None,
        name: str | None = None,
    ) -> NewKey:
        """A new key for the namespaces, or for all of the organisation."""
        secret = new_secret()
        record = KeyRecord(
            key_id=new_id("key"),
            key_name=name,
            key_hash=hash_of(secret),
            hint=hint_of(secret),
            organization_id=organization_id,
            namespace_ids=None if namespace_ids is None else tuple(namespace_ids),
            access=access,
            created_at=self.clock(),
        )
        self.table.insert({"_id": record.key_id, **record.model_dump(mode="json")})
        return NewKey(secret=secret, record=record)

    def holding(self, secret: str) -> KeyRecord | None:
        """The key that opens with ``secret``; None when it is unknown or revoked."""
        query = {"key_hash": hash_of(secret), "revoked_at": None}
        return self.table.first(query, KeyRecord.model_validate)

    def list(self, organization_id: str) -> list[KeyRecord]:
        """The keys of an organisation, newest first."""
        rows = self.table.find({"organization_id": organization_id}, sort=[("created_at", -1)])
        return [KeyRecord.model_validate(row) for row in rows]

    def holders(self) -> Sequence[str]:
        """The organisations that have keys in use."""
        stages = [{"$match": {"revoked_at": None}}, {"$group": {"_id": "$organization_id"}}]
        return sorted(row["_id"] for row in self.table.aggregate(stages))

    def revoke(self, key_id: str) -> KeyRecord:
        """Ends a key now; may be repeated.  Raises KeyNotFound."""
        revoked = {"revoked_at": iso(self.clock())}
        self.table.swap({"_id": key_id, "revoked_at": None}, {"$set": revoked})
        missing = KeyNotFound(f"no key {key_id[:200]!r} here: keys list shows them")
        return self.table.record({"_id": key_id}, KeyRecord.model_validate, missing)


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
        message = f"no organisation {identifier[:200]!r} here: organizations list shows them"
        return self.table.record(
            {key: identifier}, OrganizationRecord.model_validate, OrganizationNotFound(message)
        )

    def list(self) -> list[OrganizationRecord]:
        """All of them, by name."""
        rows = self.table.find({}, sort=[("organization_name", 1)])
        return [OrganizationRecord.model_validate(row) for row in rows]

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
