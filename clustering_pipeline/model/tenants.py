"""Whose a record is: organisations, their namespaces, within which names are unique and records
see each other, and API keys.
"""

import hashlib
import secrets
from enum import StrEnum

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.names import Name
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment

PREFIX = "sk_"
_SHOWN = 7


class Access(StrEnum):
    """What a key may do."""

    READ = "read"
    WRITE = "write"


class KeyRecord(Record):
    """A key, without its secret: only the secret's hash is kept."""

    key_id: str
    key_name: str | None = None
    key_hash: str
    hint: str
    """How the secret begins, to tell keys apart."""
    organization_id: str
    namespace_ids: tuple[str, ...] | None = None
    """The namespaces it may use; None is all of the organisation, those to come too."""
    access: Access
    created_at: Moment
    revoked_at: Moment | None = None

    @property
    def may_write(self) -> bool:
        """Whether it may change anything."""
        return self.access is Access.WRITE

    def reaches(self, scope: Scope) -> bool:
        """Whether it may use that namespace."""
        of_mine = scope.organization_id == self.organization_id
        return of_mine and (self.namespace_ids is None or scope.namespace_id in self.namespace_ids)


def new_secret() -> str:
    """A fresh secret, 256 random bits."""
    return f"{PREFIX}{secrets.token_hex(32)}"


def hash_of(secret: str) -> str:
    """What is kept of a secret: it is random, so a plain digest cannot be guessed back."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def hint_of(secret: str) -> str:
    """How a secret begins."""
    return f"{secret[:_SHOWN]}…"


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
