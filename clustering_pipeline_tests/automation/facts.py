"""Definitions as the sensor sees them, valid unless told otherwise."""

from datetime import UTC, datetime, timedelta

from clustering_pipeline.model.definitions.automation import AutomaticDefinition
from clustering_pipeline.model.scope import LOCAL

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    """So long before noon."""
    return NOON - timedelta(seconds=seconds)


def automatic(**changes) -> AutomaticDefinition:
    """A definition over one collection."""
    given = {
        "cluster_id": "clust_1",
        "name": "topics",
        "scope": LOCAL,
        "collection_ids": ("col_a",),
        **changes,
    }
    return AutomaticDefinition(**given)
