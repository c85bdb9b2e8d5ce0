"""The API keys, hashed: the secret is shown once, when it is made."""

from collections.abc import Sequence
from dataclasses import dataclass

from clustering_pipeline.model.errors import KeyNotFound
from clustering_pipeline.model.ids import new_id
from clustering_pipeline.model.tenants.key import Access, KeyRecord, hash_of, hint_of, new_secret
from clustering_pipeline.model.times import Clock, iso
from clustering_pipeline.stores.catalog.table import Table


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
        found = self.table.find_one({"key_hash": hash_of(secret), "revoked_at": None})
        return None if found is None else KeyRecord.model_validate(found)

    def list(self, organization_id: str) -> list[KeyRecord]:
        """The keys of an organisation, newest first."""
        found = self.table.find({"organization_id": organization_id}, sort=[("created_at", -1)])
        return [KeyRecord.model_validate(one) for one in found]

    def holders(self) -> Sequence[str]:
        """The organisations that have keys in use."""
        stages = [{"$match": {"revoked_at": None}}, {"$group": {"_id": "$organization_id"}}]
        return sorted(one["_id"] for one in self.table.aggregate(stages))

    def revoke(self, key_id: str) -> KeyRecord:
        """Ends a key now; may be repeated.  Raises KeyNotFound."""
        now = iso(self.clock())
        self.table.swap({"_id": key_id, "revoked_at": None}, {"$set": {"revoked_at": now}})
        found = self.table.find_one({"_id": key_id})
        if found is None:
            message = f"no key {key_id[:200]!r} here: keys list shows them"
            raise KeyNotFound(message)
        return KeyRecord.model_validate(found)
