"""Changes that lose nothing: read, change, write back only if nobody else did meanwhile."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from clustering_pipeline.model.errors import ClusteringError, StaleVersion
from clustering_pipeline.stores.catalog.mongo.table import Document, Duplicate, Query, Table

ATTEMPTS = 100


class Versioned(Protocol):
    """A record that counts its changes."""

    @property
    def version(self) -> int:
        """How often it was written."""
        ...


Kept = TypeVar("Kept", bound=Versioned)


def change(
    table: Table,
    query: Query,
    *,
    decode: Callable[[Document], Kept],
    encode: Callable[[Kept], Mapping[str, Any]],
    missing: ClusteringError,
    edit: Callable[[Kept], Kept],
    conflict: Callable[[Kept, Duplicate], ClusteringError] | None = None,
) -> Kept:
    """Applies ``edit`` to the one record that ``query`` finds and returns it as stored.

    When another writer comes first, ``edit`` is applied again to what that one wrote.  ``edit``
    may raise, and nothing is written; a record it returns unchanged is not written either.
    ``conflict`` is raised when a unique index keeps the changed record out.
    """
    for _ in range(ATTEMPTS):
        found = table.find_one(query)
        if found is None:
            raise missing
        before = decode(found)
        after = edit(before)
        if after == before:
            return before
        try:
            written = table.swap({**query, "version": before.version}, encode(after))
        except Duplicate as duplicate:
            if conflict is None:
                raise
            raise conflict(after, duplicate) from duplicate
        if written is not None:
            return decode(written)
    message = f"the record is changed by others faster than we can: {ATTEMPTS} attempts failed"
    raise StaleVersion(message)
