"""Queries that stay within a namespace."""

from typing import Any

from clustering_pipeline.model.ids import looks_like_id
from clustering_pipeline.model.scope import Scope


def within(scope: Scope, **conditions: Any) -> dict[str, Any]:
    """The conditions, for records of the namespace only."""
    return {**scope.fields(), **conditions}


def identified(scope: Scope, identifier: str, *, id_key: str, name_key: str) -> dict[str, Any]:
    """By id or by name; no name looks like an id, so it cannot be both."""
    return within(scope, **{id_key if looks_like_id(identifier) else name_key: identifier})
