"""Whose data: every record belongs to one namespace of one organisation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A namespace; nothing is read or written across its border."""

    organization_id: str
    namespace_id: str

    def fields(self) -> dict[str, str]:
        """The two ids as they stand in every stored record."""
        return {"organization_id": self.organization_id, "namespace_id": self.namespace_id}


LOCAL = Scope(organization_id="int_local", namespace_id="ns_default")
"""Where a laptop keeps its records: one organisation, one namespace."""
